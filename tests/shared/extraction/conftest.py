from tests.shared.proxy.execution.environment import env  # noqa: F401
from tests.stores import blobs, blobs_place, redis, redis_url, valkey  # noqa: F401
