"""Slows down who guesses passwords: by the name that is tried and by the address that tries."""

from hashlib import sha256

from shared.redis.client import RedisClient, Script
from shared.types.errors import RateLimited
from shared.types.text import normalized

_FREE_OF_A_NAME, _LONGEST_OF_A_NAME = 5, 60
_FREE_OF_AN_ADDRESS, _LONGEST_OF_AN_ADDRESS = 20, 900
"""Failures without a wait, and the longest wait in seconds: short for a name, whose owner waits too."""
_REMEMBERED_S = 3600

# Takes a place before the password is looked at: of many attempts at once only the free ones are looked at.
_TRY = Script("""
local time = redis.call('TIME')
local now = tonumber(time[1])
local longest = 0
for i, key in ipairs(KEYS) do
  local due = tonumber(redis.call('HGET', key, 'due') or '0')
  if due > now and due - now > longest then longest = due - now end
end
if longest > 0 then return longest end
for i, key in ipairs(KEYS) do
  local failures = redis.call('HINCRBY', key, 'failures', 1)
  local over = failures - tonumber(ARGV[2 * i - 1])
  if over >= 0 then redis.call('HSET', key, 'due', now + math.min(2 ^ math.min(over, 20), tonumber(ARGV[2 * i]))) end
  redis.call('EXPIRE', key, ARGV[5])
end
return 0
""")


class LoginAttempts:
    """Attempts of all processes, counted in Redis."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def begin(self, username: str, address: str) -> None:
        """Counts an attempt. Raises `RateLimited` while its name or address has to wait, `StoreUnavailable`."""
        arguments = [_FREE_OF_A_NAME, _LONGEST_OF_A_NAME, _FREE_OF_AN_ADDRESS, _LONGEST_OF_AN_ADDRESS, _REMEMBERED_S]
        wait = int(await self._redis.run(_TRY, _places(username, address), arguments))
        if wait:
            raise RateLimited(f"Too many failed logins. Try again in {wait} s.", retry_after=wait)

    async def succeed(self, username: str, address: str) -> None:
        """Forgets the failures of the name, and takes this attempt from those of the address."""
        name, where = _places(username, address)
        await self._redis.batch([("DEL", name), ("HINCRBY", where, "failures", -1), ("HDEL", where, "due")])


def _places(username: str, address: str) -> list[str]:
    return [f"login:name:{_hash(normalized(username))}", f"login:address:{_hash(address)}"]


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
