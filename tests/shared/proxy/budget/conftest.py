from collections.abc import AsyncIterator

import pytest

from shared.blobs.port import Blobs
from shared.redis.client import RedisClient
from tests.shared.proxy.budget.house import House
from tests.stores import blobs, blobs_place, redis, redis_url, valkey  # noqa: F401


@pytest.fixture
async def house(blobs: Blobs, redis: RedisClient) -> AsyncIterator[House]:  # noqa: F811
    opened = House(blobs, redis)
    await opened.noon()
    yield opened
