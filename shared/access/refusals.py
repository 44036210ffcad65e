"""Addresses whose keys were refused too often: what else they send costs the stores little."""

import time
from collections import OrderedDict
from typing import TypeVar

from shared.access.apikeys import key_hash
from shared.access.gate import RateLimits, limit_refused
from shared.redis.client import RedisClient

_Value = TypeVar("_Value")
_MOST_KEYS, _MOST_ADDRESSES = 10_000, 10_000


class Refusals:
    """What one process knows. Beyond the limit of its address a key is looked up only where it is listed: a tenant
    behind the same address is not locked out, and a refused key that comes again costs nothing until the minute is
    over."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._refused: OrderedDict[str, float] = OrderedDict()
        self._beyond: OrderedDict[str, tuple[float, RateLimits]] = OrderedDict()

    def beyond(self, address: str) -> RateLimits | None:
        """What the address is answered beyond its limit; None below it."""
        until, limits = self._beyond.get(address, (0.0, None))
        remaining_s = until - time.monotonic()
        if limits is None or remaining_s <= 0:
            return None
        return RateLimits(limits.limit, 0, limits.reset, int(remaining_s) + 1)

    def is_refused(self, key: str) -> bool:
        """Whether the key was refused beyond the limit of its address, in the minute that still runs."""
        return self._refused.get(key_hash(key), 0.0) > time.monotonic()

    async def count(self, address: str, key: str) -> RateLimits | None:
        """Counts a call with a refused key; None below the limit."""
        limits = self.beyond(address) or await limit_refused(self._redis, address)
        if limits:
            until = time.monotonic() + limits.retry_after
            _remember(self._refused, key_hash(key), until, _MOST_KEYS)
            _remember(self._beyond, address, (until, limits), _MOST_ADDRESSES)
        return limits


def _remember(stored: "OrderedDict[str, _Value]", name: str, value: _Value, most: int) -> None:
    stored[name] = value
    stored.move_to_end(name)
    if len(stored) > most:
        stored.popitem(last=False)
