"""The state of each call with an `Idempotency-Key`, in Redis.

Three states: running (a lease that ends with the call's time-out, so that a killed call does not lock its key), done
(for 24 hours) and absent. A stored answer is unreadable without the caller's own credential, because it may hold a
secret that is shown once. It is erased before the 24 hours are over when a document that it names is deleted, or when
the tenant's later answers take its room; its call stays done, so that nothing is charged twice.
"""

import asyncio
import base64
import hashlib
import re
import secrets
import zlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from shared.redis.client import RedisClient, Script
from shared.types.errors import Conflict, IdempotencyMismatch, InvalidRequest

LARGEST_ANSWER = 8 << 20
"""Bytes of an answer that is stored."""
TENANT_QUOTA = 32 << 20
"""Bytes that a tenant's stored answers take in Redis, compressed and encoded."""
_STORED_S = 24 * 3600
_LARGEST_ON_LOOP = 64 << 10
_Result = TypeVar("_Result")
_DOCUMENT_ID = re.compile(rb"\bdoc_[0-9a-z]+\b")

_BEGIN = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('GET', KEYS[1])
-- A call that was killed before the clock was set back holds its key for its time-out, and no longer.
if found and not found:find('"status":', 1, true) and redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
if found then return {found, redis.call('GET', KEYS[2]) or '', now} end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {'', '', now}
""")
_RENEW = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
""")
_RELEASE = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")
# KEYS: call, body, the tenant's bodies by the end of their time, their sizes, the mark of a deleted tenant, then of
# each document its index and the time of its deletion. A body is not stored for such a tenant, nor where one of the
# documents was deleted after the call began.
_END = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[4])
local size = #ARGV[3]
local quota = tonumber(ARGV[6])
if size == 0 or size > quota or redis.call('EXISTS', KEYS[5]) == 1 then return 1 end
for i = 6, #KEYS, 2 do
  if tonumber(redis.call('GET', KEYS[i + 1]) or '0') >= tonumber(ARGV[5]) then return 1 end
end
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local function drop(name)
  local stored = redis.call('HGET', KEYS[4], name)
  if stored then redis.call('HINCRBY', KEYS[4], 'total', -tonumber(stored)) end
  redis.call('HDEL', KEYS[4], name)
  redis.call('ZREM', KEYS[3], name)
  redis.call('DEL', name)
end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do drop(name) end
drop(KEYS[2])
while tonumber(redis.call('HGET', KEYS[4], 'total') or '0') + size > quota do
  local oldest = redis.call('ZRANGE', KEYS[3], 0, 0)[1]
  if not oldest then redis.call('HSET', KEYS[4], 'total', 0) else drop(oldest) end
end
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
redis.call('ZADD', KEYS[3], now + tonumber(ARGV[4]), KEYS[2])
redis.call('HSET', KEYS[4], KEYS[2], size)
redis.call('HINCRBY', KEYS[4], 'total', size)
for i = 3, 4 do redis.call('EXPIRE', KEYS[i], ARGV[4]) end
for i = 6, #KEYS, 2 do
  redis.call('SADD', KEYS[i], KEYS[2])
  redis.call('EXPIRE', KEYS[i], ARGV[4])
end
return 1
""")
_FORGET = Script("""
local time = redis.call('TIME')
redis.call('SET', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000), 'EX', ARGV[1])
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local stored = redis.call('HGET', KEYS[4], name)
  if stored then redis.call('HINCRBY', KEYS[4], 'total', -tonumber(stored)) end
  redis.call('HDEL', KEYS[4], name)
  redis.call('ZREM', KEYS[3], name)
  redis.call('DEL', name)
end
return redis.call('DEL', KEYS[1])
""")
_FORGET_TENANT = Script("""
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('DEL', name) end
redis.call('SET', KEYS[3], '1', 'EX', ARGV[1])
return redis.call('DEL', KEYS[1], KEYS[2])
""")


class StoredAnswer(Struct, frozen=True):
    """A whole answer, as it can be given again. `is_charged`: an error whose call was paid for."""

    status: int
    media_type: str
    body: bytes
    is_charged: bool = False


class _StoredCall(Struct, frozen=True, omit_defaults=True):
    """`has_body`: compressed and masked, it has a key of its own. A `body` here was stored by an earlier revision."""

    fingerprint: str
    nonce: str
    status: int = 0
    media_type: str = ""
    body: bytes = b""
    has_body: bool = False
    is_charged: bool = False


class IdempotentCalls:
    """The calls of one credential on one route."""

    def __init__(self, redis: RedisClient, tenant_id: str, owner: str, route: str, credential: str) -> None:
        self._redis = redis
        self._tenant_id = tenant_id
        self._owner = owner
        self._route = route
        self._credential = credential

    async def begin(self, key: str, fingerprint: str, timeout_s: float) -> "StoredAnswer | IdempotentCall":
        """The stored answer of the key's call, or the call that is to be made now.

        Raises `Conflict` while the first call runs and where its answer was erased, `IdempotencyMismatch` for another
        body, `StoreUnavailable`.
        """
        if not 1 <= len(key) <= 255 or not key.isprintable():
            raise InvalidRequest("`Idempotency-Key` takes 1 to 255 printable characters.")
        name = f"idempotency:{self._owner}:{self._route}:{hashlib.sha256(key.encode()).hexdigest()}"
        started = _StoredCall(fingerprint, secrets.token_hex(16))
        running = msgspec.json.encode(started).decode()
        arguments = (running, round(timeout_s * 1000))
        found, body, now_ms = await self._redis.run(_BEGIN, [name, _body_key(name)], arguments)
        if found:
            return await self._again(msgspec.json.decode(found, type=_StoredCall), body, fingerprint)
        return IdempotentCall(self._redis, self._tenant_id, self._credential, name, started, int(now_ms), timeout_s)

    async def _again(self, stored: _StoredCall, body: str, fingerprint: str) -> StoredAnswer:
        if stored.fingerprint != fingerprint:
            raise IdempotencyMismatch("This `Idempotency-Key` was used with another body. Use a new one.")
        if not stored.status:
            raise Conflict("The first call with this `Idempotency-Key` is still running. Try again shortly.")
        if stored.has_body and not body:
            raise Conflict(
                "The call with this `Idempotency-Key` is done and is not done twice; its answer is no longer stored: "
                "a document that it quotes was deleted, or it was too large. Use a new key to ask again."
            )
        pad = (stored.nonce, self._credential)
        content = await _off_loop(len(body), _unpacked, body, *pad) if body else _masked(stored.body, *pad)
        return StoredAnswer(stored.status, stored.media_type, content, stored.is_charged)


class IdempotentCall:
    """A call that holds its key."""

    def __init__(
        self,
        redis: RedisClient,
        tenant_id: str,
        credential: str,
        name: str,
        started: _StoredCall,
        started_ms: int,
        timeout_s: float,
    ) -> None:
        self._redis = redis
        self._tenant_id = tenant_id
        self._credential = credential
        self._name = name
        self._started = started
        self._running = msgspec.json.encode(started).decode()
        self._started_ms = started_ms
        self.timeout_s = timeout_s

    async def renew(self) -> None:
        """Holds the key for another time-out. Raises `StoreUnavailable`."""
        await self._redis.run(_RENEW, [self._name], [self._running, round(self.timeout_s * 1000)])

    async def release(self) -> None:
        """Frees the key: the call may be made again. Raises `StoreUnavailable`."""
        await self._redis.run(_RELEASE, [self._name], [self._running])

    async def finish(self, answer: StoredAnswer, document_ids: Iterable[str] = (), *, is_stored: bool = True) -> None:
        """Stores the answer with the documents that it was made from or names; with `is_stored` false, or one that is
        too large, only that the call is done.

        Raises `StoreUnavailable`.
        """
        body, documents = "", list[str]()
        has_body = bool(answer.body) or not is_stored
        if answer.body and is_stored and len(answer.body) <= LARGEST_ANSWER:
            pad = (self._started.nonce, self._credential)
            body = await _off_loop(len(answer.body), _packed, answer.body, *pad)
            documents = sorted({*document_ids, *(found.decode() for found in _DOCUMENT_ID.findall(answer.body))})
        done = msgspec.structs.replace(
            self._started,
            status=answer.status,
            media_type=answer.media_type,
            has_body=has_body,
            is_charged=answer.is_charged,
        )
        keys = [self._name, _body_key(self._name), *_tenant_keys(self._tenant_id)]
        for document_id in documents:
            keys += _document_keys(self._tenant_id, document_id)
        encoded = msgspec.json.encode(done).decode()
        await self._redis.run(_END, keys, [self._running, encoded, body, _STORED_S, self._started_ms, TENANT_QUOTA])


async def forget_answers_of_document(redis: RedisClient, tenant_id: str, document_id: str) -> None:
    """Erases every stored answer that names the document; one that is made meanwhile is not stored.

    Raises `StoreUnavailable`.
    """
    keys = [*_document_keys(tenant_id, document_id), *_tenant_keys(tenant_id)]
    await redis.run(_FORGET, keys, [_STORED_S])


async def forget_answers_of_tenant(redis: RedisClient, tenant_id: str) -> None:
    """Erases every stored answer of the tenant; one that is made meanwhile is not stored. Raises `StoreUnavailable`."""
    await redis.run(_FORGET_TENANT, _tenant_keys(tenant_id), [_STORED_S])


def fingerprint(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return base64.b64encode(digest.digest()).decode()


def _body_key(name: str) -> str:
    return f"{name}:body"


def _tenant_keys(tenant_id: str) -> list[str]:
    """The tenant's bodies, their sizes, and the mark of its deletion."""
    return [f"idempotency-{name}:{tenant_id}" for name in ("bodies", "sizes", "closed")]


def _document_keys(tenant_id: str, document_id: str) -> list[str]:
    return [f"idempotency-of:{tenant_id}:{document_id}", f"idempotency-deleted:{tenant_id}:{document_id}"]


async def _off_loop(size: int, call: Callable[..., _Result], *arguments: Any) -> _Result:
    """Calls in a thread where the work would hold up the event loop."""
    return call(*arguments) if size <= _LARGEST_ON_LOOP else await asyncio.to_thread(call, *arguments)


def _packed(body: bytes, nonce: str, credential: str) -> str:
    return base64.b64encode(_masked(zlib.compress(body, 1), nonce, credential)).decode()


def _unpacked(stored: str, nonce: str, credential: str) -> bytes:
    return zlib.decompress(_masked(base64.b64decode(stored), nonce, credential))


def _masked(body: bytes, nonce: str, credential: str) -> bytes:
    """One-time pad from the credential and a nonce used once; the same again takes it off."""
    pad = hashlib.shake_256(f"{nonce}:{credential}".encode()).digest(len(body))
    return (int.from_bytes(body, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(body), "big")
