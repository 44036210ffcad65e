"""Marks in Redis: keys with a time to live, which say by being there that something was done a while ago."""

from shared.redis.client import RedisClient


async def is_marked(redis: RedisClient, mark: str, longest_s: float) -> bool:
    """Whether the mark is set. One that would stay longer than `longest_s`, as it is never set, was made before the
    clock was set back, and does not count."""
    remaining_ms = int(await redis.call("PTTL", mark))
    return 0 <= remaining_ms <= longest_s * 1000
