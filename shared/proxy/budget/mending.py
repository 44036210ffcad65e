"""Corrects what Redis counts where it differs from the usage ledger."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from shared.redis.client import RedisClient, RedisWord, Script, pairs
from shared.usage.records import BudgetWindow

# Redis away: nothing is mended. What has changed since it was read is left alone.
_MEND = Script(
    """
if redis.call('GET', 'budget:generation') ~= ARGV[1] then return 0 end
local row = redis.call('HMGET', KEYS[1], ARGV[2] .. ':spent', ARGV[2] .. ':reserved')
if tonumber(row[1] or 0) ~= tonumber(ARGV[3]) or tonumber(row[2] or 0) ~= 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[2] .. ':spent', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 1
"""
)
_RETENTION_S = 75 * 86400


class Counted(Struct, frozen=True):
    spent_microusd: int
    reserved_microusd: int


class WindowCounts(Struct, frozen=True):
    """The counts of all windows in Redis, of one generation."""

    generation: str
    windows: Mapping[BudgetWindow, Counted]


async def counts(redis: RedisClient) -> WindowCounts:
    """Reads the counts one after the other, not at one moment."""
    generation = await redis.call("GET", "budget:generation") or ""
    windows: dict[BudgetWindow, Counted] = {}
    for kind in ("month", "life") if generation else ():
        prefix = f"budget:{generation}:{kind}:"
        keys = [key async for key in redis.scan(f"{prefix}*")]
        for key, row in zip(keys, await redis.batch([("HGETALL", key) for key in keys]) if keys else [], strict=True):
            windows |= dict(_windows(key.removeprefix(prefix), dict(pairs(row))))
    return WindowCounts(generation, windows)


async def mend(redis: RedisClient, found: WindowCounts, window: BudgetWindow, to_microusd: int) -> bool:
    """Corrects a window's count; False where something was spent or reserved since."""
    before = found.windows.get(window, Counted(0, 0))
    words: list[RedisWord] = [found.generation, window.start, before.spent_microusd, to_microusd, _RETENTION_S]
    return bool(await redis.run(_MEND, [window_key(found.generation, window)], words))


def window_key(generation: str, window: BudgetWindow) -> str:
    account = f"{window.scope}|{window.id}"
    if window.name == "life":
        return f"budget:{generation}:life:{account}"
    return f"budget:{generation}:month:{account}|{window.start[:7]}"


def _windows(place: str, row: Mapping[str, str]) -> Iterator[tuple[BudgetWindow, Counted]]:
    """Yields an account's windows: its month and the days in it, or its whole life."""
    scope, id_, *_ = place.split("|")
    for start in sorted({field.partition(":")[0] for field in row}):
        name = {0: "life", 7: "month", 10: "day"}[len(start)]
        spent, reserved = (int(row.get(f"{start}:{what}", 0)) for what in ("spent", "reserved"))
        yield BudgetWindow(scope, id_, name, start), Counted(spent, reserved)  # type: ignore[arg-type]
