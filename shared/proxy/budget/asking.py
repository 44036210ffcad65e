"""Retries an idempotent script once."""

from collections.abc import Sequence
from typing import Any

from shared.redis.client import RedisClient, RedisWord, Script
from shared.types.errors import StoreUnavailable


async def ask(redis: RedisClient, script: Script, arguments: Sequence[RedisWord]) -> Any:
    """Runs a script; once more after a time-out, which leaves open whether it ran. That is safe: each script names its
    operation and does nothing twice. Raises `StoreUnavailable`."""
    try:
        return await redis.run(script, (), arguments)
    except StoreUnavailable:
        return await redis.run(script, (), arguments)
