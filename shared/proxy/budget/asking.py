"""Asks a script with patience."""

from collections.abc import Sequence
from typing import Any

from shared.redis.client import RedisClient, RedisWord, Script
from shared.types.errors import StoreUnavailable


async def ask(redis: RedisClient, script: Script, arguments: Sequence[RedisWord]) -> Any:
    """A time-out leaves open whether the script ran. It is asked once more, which is safe with ours: each names its
    operation, and does nothing twice. Raises `StoreUnavailable`."""
    try:
        return await redis.run(script, (), arguments)
    except StoreUnavailable:
        return await redis.run(script, (), arguments)
