from tests.stores import redis, redis_url, valkey  # noqa: F401
