"""The gate of every request: credential and limits, in one round trip to Redis.

Fixed windows on UTC minutes and days by Redis' own clock, counted exactly: a refused request is not counted, and no
two processes can both take the last place. Where a call may spend, the same round trip says what its caller has left.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Protocol

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.access.accounts import TenantSuspended, cached_tenant
from shared.access.cached_principals import cached_key
from shared.access.credentials import Credentials, StoredCredential
from shared.redis.client import RedisClient, RedisWord, Script
from shared.types.clock import now
from shared.types.errors import StoreUnavailable, Unauthenticated
from shared.types.payer import Payer
from shared.types.principal import Principal
from shared.types.remaining_budget import RemainingBudget

REMAINING_S = 2.0
"""How long a request waits for what its caller has left, which its header says, while the budget is read."""


class SpendingLimits(Protocol):
    """The budget's part that the gate needs."""

    @property
    def remaining_lua(self) -> str:
        """A Lua function `remaining(terms, payer)`: micro-dollars, `unlimited`, or nothing where Redis cannot tell."""
        ...

    def terms(self) -> str: ...

    async def remaining(self, payer: Payer) -> int | None: ...


PER_TIER = {"free": (10, 100), "pro": (100, 10_000)}
"""Requests a minute and a day; a tier that is not here has no limit."""
READS_FACTOR = 10
PER_ADDRESS_A_MINUTE = 60
REFUSED_A_MINUTE = 120
"""Calls of one address with keys that are refused, until they are 429 and no longer 401."""

_WINDOWS = """
local function take(name, windows)
  local now = redis.call('TIME')
  local s = tonumber(now[1])
  local left, worst, full = {}, nil, nil
  for i, w in ipairs(windows) do
    local span, limit = w[1], w[2]
    local key = name .. ':' .. span .. ':' .. math.floor(s / span)
    local used = tonumber(redis.call('GET', key) or '0')
    local reset = (math.floor(s / span) + 1) * span
    left[i] = {key, span, limit, used, reset}
    if used >= limit and (full == nil or reset > full) then full = reset end
  end
  for i, w in ipairs(left) do
    if full == nil then
      local count = redis.pcall('INCR', w[1])
      if type(count) == 'table' then -- a Redis whose disk is full still admits who reads or deletes
        if not string.find(count.err, 'MISCONF', 1, true) then return count end
        count = w[4] + 1
      elseif count == 1 then
        redis.call('EXPIRE', w[1], w[2] * 2)
      end
      w[4] = count
    end
    local remaining = math.max(0, w[3] - w[4])
    if worst == nil or remaining * worst[1] < worst[2] * w[3] then worst = {w[3], remaining, w[5]} end
  end
  return {full and full - s or 0, worst[1], worst[2], worst[3]}
end
"""

# It gives words, which travel as lines: a client reads one string much faster than a list.
_ADMIT_BODY = (
    _WINDOWS
    + f"local tenant_key = '{cached_tenant('')}'"
    + """
local function admit()
local known = redis.call('HMGET', KEYS[1], 'principal', 'tenant')
if not known[1] then return 'unknown' end
if known[1] == '' then return 'revoked' end
redis.pcall('HSET', KEYS[1], 'used', redis.call('TIME')[1]) -- a full Redis still admits who reads or deletes
if known[2] == '' then return 'ok', known[1] end
local tier, suspended = unpack(redis.call('HMGET', tenant_key .. known[2], 'tier', 'suspended'))
if not tier or not suspended then return 'unknown' end
if suspended == '1' then return 'suspended', known[1] end
local limits = cjson.decode(ARGV[1])[tier]
if ARGV[2] == 'none' or not limits then return 'ok', known[1] end
local factor = tonumber(ARGV[3])
local name = 'limit:' .. known[2] .. ':' .. ARGV[2]
return 'ok', known[1], unpack(take(name, {{60, limits[1] * factor}, {86400, limits[2] * factor}}))
end
"""
)
_ADMIT = Script(_ADMIT_BODY + "return table.concat({admit()}, '\\n')")

_ADMIT_ADDRESS = Script(_WINDOWS + "return take(KEYS[1], {{60, tonumber(ARGV[1])}})")


@cache
def _admit_spender(remaining_lua: str) -> Script:
    """The script that admits a caller and puts its remaining budget before the answer."""
    return Script(
        _ADMIT_BODY
        + remaining_lua
        + """
local answer = {admit()}
if answer[1] == 'ok' then
  local caller = cjson.decode(answer[2])
  local payer = {tenant_id = caller.tenant_id, key_id = caller.key_id, document_id = ''}
  answer[1] = 'ok ' .. (caller.tenant_id == '' and '' or remaining(ARGV[4], payer))
end
return table.concat(answer, '\\n')
"""
    )


class RateLimits(Struct, frozen=True):
    """The values of the rate-limit headers. `limit` is None where there is none; `reset` is in Unix seconds;
    `retry_after` (seconds) is above 0 where the request is refused."""

    limit: int | None = None
    remaining: int = 0
    reset: int = 0
    retry_after: int = 0


UNLIMITED = RateLimits()


class Gate:
    """Authenticates a credential and counts it against its limits."""

    def __init__(
        self, credentials: Credentials, redis: RedisClient, budget: Callable[[], SpendingLimits] | None = None
    ) -> None:
        self._credentials = credentials
        self._redis = redis
        self._budget = budget
        self._tiers = json.dumps(PER_TIER)

    async def admit(self, key: str, policy: str, *, is_bounded: bool = False) -> tuple[Principal, RateLimits]:
        """The caller and its limits; `policy` is `default`, `reads` or `none`. With `is_bounded`
        the look-ups of unknown keys cost the store next to nothing. Raises `Unauthenticated`, `TenantSuspended`."""
        stored = await self._credentials.identify(key, is_bounded=is_bounded)
        return _admitted(await _known(stored, lambda name: self._ask(_ADMIT, name, policy)), stored)

    async def admit_spender(
        self, key: str, policy: str, *, is_bounded: bool = False
    ) -> tuple[Principal, RateLimits, RemainingBudget]:
        """The same, with what the caller has left; `RemainingBudget` is empty where that is not known."""
        remaining_budget, left = RemainingBudget(), ""
        if self._budget is None:
            return *await self.admit(key, policy, is_bounded=is_bounded), remaining_budget
        budget = self._budget()
        terms = budget.terms()

        async def ask(name: str) -> list[str]:
            nonlocal left
            first, *answer = await self._ask(_admit_spender(budget.remaining_lua), name, policy, terms)
            word, _, left = first.partition(" ")
            return [word, *answer]

        stored = await self._credentials.identify(key, is_bounded=is_bounded)
        principal, limits = _admitted(await _known(stored, ask), stored)
        if left:
            remaining_budget.show(None if left == "unlimited" else int(left))
        elif principal.tenant_id:
            with contextlib.suppress(StoreUnavailable, TimeoutError):  # it is for a header alone
                async with asyncio.timeout(REMAINING_S):
                    remaining_budget.show(await budget.remaining(Payer(principal.tenant_id, principal.key_id)))
        return principal, limits, remaining_budget

    async def _ask(self, script: Script, name: str, policy: str, *more: RedisWord) -> list[str]:
        factor = READS_FACTOR if policy == "reads" else 1
        arguments = [self._tiers, policy, factor, *more]
        found: str = await self._redis.run(script, [cached_key(name)], arguments)
        return found.split("\n")


async def _known(stored: StoredCredential, ask: Callable[[str], Awaitable[list[str]]]) -> list[str]:
    """Redis' answer for a credential, which is cached first where Redis lacks it."""
    answer = await ask(stored.name)
    if answer[0] == "unknown" and await stored.load():
        answer = await ask(stored.name)
        if answer[0] == "unknown":
            raise StoreUnavailable("counters", "Redis lost a credential that was just cached")
    return answer


def _admitted(answer: list[str], stored: StoredCredential) -> tuple[Principal, RateLimits]:
    if answer[0] not in ("ok", "suspended"):
        what = "API key is not known or was revoked" if stored.expires_at is None else "session of the token has ended"
        raise Unauthenticated(f"The {what}.")
    principal = msgspec.json.decode(answer[1], type=Principal)
    if stored.expires_at:
        principal = replace(principal, expires_at=stored.expires_at)
    if principal.expires_at and principal.expires_at <= now():
        raise Unauthenticated("The API key has expired." if stored.expires_at is None else "The token has expired.")
    if answer[0] == "suspended":
        raise TenantSuspended
    return principal, _limits(answer[2:]) if len(answer) > 2 else UNLIMITED


async def admit_address(redis: RedisClient, address: str) -> RateLimits:
    """For public routes. Without Redis they stay open: nothing of a tenant is behind them."""
    try:
        return _limits(await redis.run(_ADMIT_ADDRESS, [f"limit:address:{address}"], [PER_ADDRESS_A_MINUTE]))
    except StoreUnavailable:
        return UNLIMITED


async def limit_refused(redis: RedisClient, address: str) -> RateLimits | None:
    """Counts a call with a refused credential; None below the limit. Keys that are known are not affected by it."""
    try:
        answer = await redis.run(_ADMIT_ADDRESS, [f"limit:refused:{address}"], [REFUSED_A_MINUTE])
    except StoreUnavailable:
        return None
    limits = _limits(answer)
    return limits if limits.retry_after else None


def _limits(answer: list[str]) -> RateLimits:
    retry_after, limit, remaining, reset = (int(number) for number in answer)
    return RateLimits(limit, remaining, reset, retry_after)
