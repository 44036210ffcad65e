from tests.functions.parse_gpu.pooled import pooled  # noqa: F401
from tests.stores import blobs, blobs_place, redis, redis_url, valkey  # noqa: F401
