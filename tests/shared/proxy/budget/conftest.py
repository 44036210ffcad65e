from collections.abc import AsyncIterator

import pytest

from shared.blobs.port import Blobs
from shared.counters.port import Counters
from tests.shared.proxy.budget.house import House
from tests.stores import blobs, blobs_place, counters, redis_url, valkey  # noqa: F401


@pytest.fixture
async def house(blobs: Blobs, counters: Counters) -> AsyncIterator[House]:  # noqa: F811
    opened = House(blobs, counters)
    await opened.noon()
    yield opened
