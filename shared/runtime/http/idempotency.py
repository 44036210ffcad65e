"""`Idempotency-Key`: a repeated call gets the stored answer and is not executed again.

Three states: running (a lease that ends with the call's time-out, so that a killed call does not lock its key), done
(the answer is kept for 24 hours) and absent. What is kept is unreadable without the caller's own credential, because
an answer may hold a secret that is shown once.
"""

import base64
import contextlib
import hashlib
import secrets
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from shared.redis.client import RedisClient, Script
from shared.types.errors import Conflict, IdempotencyMismatch, InvalidRequest, StoreUnavailable

_STORED_S = 24 * 3600
_LARGEST = 1 << 20

_BEGIN = Script("""
local found = redis.call('GET', KEYS[1])
if found then return found end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
""")
_END = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
""")


class StoredAnswer(Struct, frozen=True):
    """A complete answer that can be replayed."""

    status: int
    media_type: str
    body: bytes


class _StoredCall(Struct, frozen=True, omit_defaults=True):
    fingerprint: str
    nonce: str
    status: int = 0
    media_type: str = ""
    body: bytes = b""


class Idempotency:
    """Calls of one credential on one route."""

    def __init__(self, redis: RedisClient, owner: str, route: str, credential: str) -> None:
        self._redis = redis
        self._owner = owner
        self._route = route
        self._credential = credential

    async def once(
        self, key: str, fingerprint: str, timeout_s: float, call: Callable[[], Awaitable[StoredAnswer | None]]
    ) -> tuple[StoredAnswer | None, bool]:
        """The call's answer, and whether it is one given before. `call` answers None for what cannot be stored.

        Raises `Conflict` while the first call runs, `IdempotencyMismatch` for another body.
        """
        if not 1 <= len(key) <= 255 or not key.isprintable():
            raise InvalidRequest("`Idempotency-Key` takes 1 to 255 printable characters.")
        name = f"idempotency:{self._owner}:{self._route}:{hashlib.sha256(key.encode()).hexdigest()}"
        stored = _StoredCall(fingerprint, secrets.token_hex(16))
        running = msgspec.json.encode(stored).decode()
        found = await self._redis.run(_BEGIN, [name], [running, round(timeout_s * 1000)])
        if found:
            return self._again(msgspec.json.decode(found, type=_StoredCall), fingerprint), True
        answer: StoredAnswer | None = None
        try:
            answer = await call()
        finally:
            with contextlib.suppress(StoreUnavailable):  # the answer stands; only its repetition is not kept
                await self._redis.run(_END, [name], [running, self._sealed(stored, answer), _STORED_S])
        return answer, False

    def _again(self, stored: _StoredCall, fingerprint: str) -> StoredAnswer:
        if stored.fingerprint != fingerprint:
            raise IdempotencyMismatch("This `Idempotency-Key` was used with another body. Use a new one.")
        if not stored.status:
            raise Conflict("The first call with this `Idempotency-Key` is still running. Try again shortly.")
        return StoredAnswer(stored.status, stored.media_type, self._masked(stored.body, stored.nonce))

    def _sealed(self, stored: _StoredCall, answer: StoredAnswer | None) -> str:
        if answer is None or len(answer.body) > _LARGEST:
            return ""
        masked = self._masked(answer.body, stored.nonce)
        done = msgspec.structs.replace(stored, status=answer.status, media_type=answer.media_type, body=masked)
        return msgspec.json.encode(done).decode()

    def _masked(self, body: bytes, nonce: str) -> bytes:
        """Encrypts, and decrypts, with a one-time pad made from the credential and a nonce that is used once."""
        pad = hashlib.shake_256(f"{nonce}:{self._credential}".encode()).digest(len(body))
        return (int.from_bytes(body, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(body), "big")


def fingerprint(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return base64.b64encode(digest.digest()).decode()
