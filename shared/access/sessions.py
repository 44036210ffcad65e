"""Logins of users: an access token for minutes, and a refresh token that is changed for a new one each time.

A refresh token that comes a second time was stolen or its answer was lost: its whole session ends.
"""

import re
import secrets
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest

import msgspec
from msgspec import Struct

from shared.access.accounts import Accounts
from shared.access.apikeys import new_id
from shared.access.signing import TOKEN_LIFETIME, SigningKeys
from shared.access.tokens import AccessToken, write_token
from shared.access.users import Users
from shared.blobs.port import Blobs
from shared.records import names
from shared.records.records import read_record
from shared.records.structs import RefreshRecord, SessionRecord, UserRecord
from shared.types.clock import now
from shared.types.errors import NotFound, Unauthenticated
from shared.types.principal import Principal

SESSION_LIFETIME = timedelta(days=30)
_REFRESH = re.compile(
    r"aegr_(ten_[0-9a-z]{1,64})_(usr_[0-9a-z]{16})_(ses_[0-9a-z]{16})_([0-9]{1,8})_([0-9A-Za-z_-]{43})"
)
_REFUSED = "The refresh token is not valid. Log in again."
_CACHED_S = 3600


class TokenPair(Struct, frozen=True):
    access_token: str
    refresh_token: str


def session_name(tenant_id: str, session_id: str) -> str:
    """Stands in Redis where the hash of an API key would."""
    return f"{tenant_id}:{session_id}"


class Sessions:
    """The sessions of all users."""

    def __init__(self, blobs: Blobs, accounts: Accounts, users: Users, signing_keys: SigningKeys) -> None:
        self._blobs = blobs
        self._accounts = accounts
        self._users = users
        self.signing_keys = signing_keys

    async def begin(self, user: UserRecord) -> TokenPair:
        """Raises `StoreUnavailable`."""
        await self._erase_old(user)
        session = SessionRecord(
            session_id=new_id("ses_"),
            tenant_id=user.tenant_id,
            user_id=user.user_id,
            replay_secret=secrets.token_hex(16),
            started_at=now(),
            expires_at=now() + SESSION_LIFETIME,
        )
        await self._write(session)
        return await self._next_pair(session, 1)

    async def refresh(self, token: str) -> TokenPair:
        """Raises `Unauthenticated`, `TenantSuspended`, `StoreUnavailable`."""
        session, number = await self._presented(token)
        if session.is_ended or session.expires_at <= now():
            raise Unauthenticated(_REFUSED)
        await self._accounts.check_active(session.tenant_id)
        try:
            return await self._next_pair(session, number + 1)
        except _TokenUsedError:
            await self.end(session)
            raise Unauthenticated("The refresh token was used before; its session has ended. Log in again.") from None

    async def end_by_token(self, token: str) -> None:
        """Ends the session of a refresh token, used or not. Raises `Unauthenticated`."""
        session, _ = await self._presented(token)
        await self.end(session)

    async def end(self, session: SessionRecord) -> None:
        """No token of the session is taken from the next call on, and its streams end."""
        await self._write(msgspec.structs.replace(session, is_ended=True))
        name = session_name(session.tenant_id, session.session_id)
        await self._accounts.principals.revoke(name, session.session_id)

    async def end_all(self, user: UserRecord) -> None:
        for session in await self._of(user):
            await self.end(session)

    async def read(self, tenant_id: str, user_id: str, session_id: str) -> SessionRecord | None:
        return await read_record(self._blobs, names.session(tenant_id, user_id, session_id), SessionRecord)

    async def change(self, user: UserRecord) -> None:
        """Gives the user's sessions the role and groups that the record has now."""
        for session in await self._of(user):
            name = session_name(session.tenant_id, session.session_id)
            await self._accounts.principals.change(name, _principal(session, user), _CACHED_S)

    async def load(self, token: AccessToken) -> bool:
        """Caches a session that Redis lacks from the records; False where it has ended."""
        session = await self.read(token.tenant_id, token.user_id, token.session_id)
        if session is None or session.is_ended or session.expires_at <= now():
            return False
        try:
            user = await self._users.read(token.tenant_id, token.user_id)
        except NotFound:
            return False
        name = session_name(token.tenant_id, token.session_id)
        return await self._accounts.load_principal(name, _principal(session, user), _CACHED_S)

    async def _presented(self, token: str) -> tuple[SessionRecord, int]:
        """The session of a refresh token of ours, and the token's number. Raises `Unauthenticated`."""
        found = _REFRESH.fullmatch(token) if len(token) < 300 else None
        if found is None:
            raise Unauthenticated(_REFUSED)
        ids, number = (found[1], found[2], found[3]), int(found[4])
        stored = await read_record(self._blobs, names.refresh_token(*ids, number), RefreshRecord)
        session = await self.read(*ids)
        if stored is None or session is None or not compare_digest(stored.token_hash, _hash(token)):
            raise Unauthenticated(_REFUSED)
        return session, number

    async def _next_pair(self, session: SessionRecord, number: int) -> TokenPair:
        """Raises `_TokenUsedError` where the token with this number was given before: of two who come with one token,
        the first to create the record wins."""
        ids = session.tenant_id, session.user_id, session.session_id
        token = f"aegr_{'_'.join(ids)}_{number}_{secrets.token_urlsafe(32)}"
        record = msgspec.json.encode(RefreshRecord(_hash(token), now()))
        if not await self._blobs.create(names.refresh_token(*ids, number), record):
            raise _TokenUsedError
        return TokenPair(await write_token(session, self.signing_keys), token)

    async def _of(self, user: UserRecord) -> list[SessionRecord]:
        """The user's sessions that have not ended."""
        found = [await self.read(user.tenant_id, user.user_id, one) for one in await self._names(user)]
        return [session for session in found if session and not session.is_ended]

    async def _names(self, user: UserRecord) -> list[str]:
        return await self._blobs.folders(names.sessions(user.tenant_id, user.user_id))

    async def _erase_old(self, user: UserRecord) -> None:
        """Erases the user's sessions whose tokens have all expired, so that logins do not pile up."""
        for one in await self._names(user):
            session = await self.read(user.tenant_id, user.user_id, one)
            if session and session.expires_at + TOKEN_LIFETIME < now():
                await self._blobs.erase_all(f"{names.sessions(user.tenant_id, user.user_id)}{one}/")

    async def _write(self, session: SessionRecord) -> None:
        place = names.session(session.tenant_id, session.user_id, session.session_id)
        await self._blobs.write(place, msgspec.json.encode(session))


class _TokenUsedError(Exception):
    pass


def _principal(session: SessionRecord, user: UserRecord) -> Principal:
    return Principal(
        tenant_id=user.tenant_id,
        key_id=user.user_id,
        role=user.role,
        user_id=user.user_id,
        expires_at=session.expires_at,
        groups=user.groups,
        session_id=session.session_id,
    )


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
