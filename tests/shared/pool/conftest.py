from tests.stores import counters, redis_url, valkey  # noqa: F401
