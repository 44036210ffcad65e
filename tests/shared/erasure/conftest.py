from tests.pipeline.suite import suite  # noqa: F401
from tests.stores import blobs, blobs_place, redis, redis_url, valkey  # noqa: F401
