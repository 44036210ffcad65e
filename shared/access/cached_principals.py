"""Callers in Redis: what the gate reads in its one round trip. Raises `StoreUnavailable`."""

import msgspec

from shared.redis.client import RedisClient, Script
from shared.types.principal import Principal

REVOKED_S = 3600
"""How long Redis knows of a credential that was revoked; the records know it for good."""

_SET = """
redis.call('HSET', KEYS[1], 'principal', ARGV[1], 'tenant', ARGV[2])
if ARGV[3] ~= '' then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return 1
"""
# One revoked while another process reads it from the ledger must not come back: what is there stays.
_ADD = Script("if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end" + _SET)
_CHANGE = Script("if redis.call('HGET', KEYS[1], 'principal') == '' then return 0 end" + _SET)


def cached_key(name: str) -> str:
    """The key of a credential; an API key's name is its hash."""
    return f"key:{name}"


def revoked_mark(actor_id: str) -> str:
    """Holds the Unix time at which a key or session ends, as long as a call that began before may run."""
    return f"key:revoked:{actor_id}"


class CachedPrincipals:
    """The callers that are cached, by the names of their credentials."""

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis

    async def add(self, name: str, principal: Principal, seconds: int | None = None) -> None:
        """Caches a caller where none is, for so long or until it is revoked."""
        await self._run(_ADD, name, principal, seconds)

    async def change(self, name: str, principal: Principal, seconds: int | None = None) -> None:
        """Replaces a caller, whether it is cached or not. One that is revoked stays revoked."""
        await self._run(_CHANGE, name, principal, seconds)

    async def revoke(self, name: str, actor_id: str) -> None:
        """Refuses the credential from the next call on, and ends its streams."""
        cached = cached_key(name)
        await self._redis.batch(
            [
                ("DEL", cached),
                ("HSET", cached, "principal", "", "tenant", ""),
                ("EXPIRE", cached, REVOKED_S),
                ("SET", revoked_mark(actor_id), "1", "EX", REVOKED_S),
            ]
        )

    async def _run(self, script: Script, name: str, principal: Principal, seconds: int | None) -> None:
        text = msgspec.json.encode(principal).decode()
        lasting = "" if seconds is None else seconds
        await self._redis.run(script, [cached_key(name)], [text, principal.tenant_id, lasting])
