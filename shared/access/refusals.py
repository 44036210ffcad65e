"""Addresses whose keys were refused too often: what else they send costs no store anything."""

import time
from collections import OrderedDict
from typing import TypeVar

from shared.access.apikeys import key_hash
from shared.access.gate import RateLimits, limit_refused
from shared.redis.client import RedisClient

_Value = TypeVar("_Value")
_MOST_KEYS, _MOST_ADDRESSES = 10_000, 10_000


class Refusals:
    """What one process knows. Beyond the limit of its address a key passes only where the process has admitted it
    before; any other one waits until the minute is over."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._admitted: OrderedDict[str, None] = OrderedDict()
        self._beyond: OrderedDict[str, tuple[float, RateLimits]] = OrderedDict()

    def limits(self, address: str, key: str) -> RateLimits | None:
        """The limits of a call that is refused without asking a store; None for one that may go on."""
        until, limits = self._beyond.get(address, (0.0, None))
        remaining_s = until - time.monotonic()
        if limits is None or remaining_s <= 0 or key_hash(key) in self._admitted:
            return None
        return RateLimits(limits.limit, 0, limits.reset, int(remaining_s) + 1)

    def admit(self, key: str) -> None:
        _remember(self._admitted, key_hash(key), None, _MOST_KEYS)

    async def count(self, address: str) -> RateLimits | None:
        """Counts a call with a refused key; None below the limit."""
        limits = await limit_refused(self._redis, address)
        if limits:
            _remember(self._beyond, address, (time.monotonic() + limits.retry_after, limits), _MOST_ADDRESSES)
        return limits


def _remember(stored: "OrderedDict[str, _Value]", name: str, value: _Value, most: int) -> None:
    stored[name] = value
    stored.move_to_end(name)
    if len(stored) > most:
        stored.popitem(last=False)
