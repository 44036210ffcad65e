from collections.abc import AsyncIterator

import pytest

from shared.blobs.port import Blobs
from shared.redis.client import RedisClient
from tests.shared.proxy.budget.environment import BudgetEnvironment
from tests.stores import blobs, blobs_place, redis, redis_url, valkey  # noqa: F401


@pytest.fixture
async def env(blobs: Blobs, redis: RedisClient) -> AsyncIterator[BudgetEnvironment]:  # noqa: F811
    opened = BudgetEnvironment(blobs, redis)
    await opened.noon()
    yield opened
