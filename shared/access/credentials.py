"""Tells what a credential is: an API key, an access token of ours, or a token of an outside issuer."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from msgspec import Struct

from shared.access.accounts import Accounts
from shared.access.apikeys import key_hash, well_formed
from shared.access.outside_tokens import OutsideTokens
from shared.access.sessions import Sessions, session_name
from shared.access.tokens import looks_like_token, read_token
from shared.types.clock import now
from shared.types.errors import Unauthenticated

SHORTEST_KEY = 16
"""Characters of a key that is not of our making."""


class StoredCredential(Struct, frozen=True):
    """Where Redis has the principal of a credential, and what brings it there from the records; that answers False
    where there is none. `expires_at` is the token's own end."""

    name: str
    load: Callable[[], Awaitable[bool]]
    expires_at: datetime | None = None


class Credentials:
    """Verifies what can be verified without a store, and says where the rest is."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Callable[[], Sessions] | None = None,
        outside: OutsideTokens | None = None,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._outside = outside

    async def identify(self, credential: str, *, is_bounded: bool) -> StoredCredential:
        """With `is_bounded` the look-ups of unknown keys cost the store next to nothing. Raises `Unauthenticated`,
        `StoreUnavailable`."""
        if not looks_like_token(credential):
            return self._api_key(credential, is_bounded=is_bounded)
        if self._outside and self._outside.issued(credential):
            return await self._of_outside(self._outside, credential)
        if self._sessions is None:
            raise Unauthenticated("Tokens are not taken here.")
        sessions = self._sessions()
        token = await read_token(credential, sessions.signing_keys)
        name = session_name(token.tenant_id, token.session_id)
        return StoredCredential(name, lambda: sessions.load(token), token.expires_at)

    def _api_key(self, key: str, *, is_bounded: bool) -> StoredCredential:
        if not _plausible(key):
            raise Unauthenticated("The API key is not one of ours; check it for typing errors.")
        hashed = key_hash(key)
        load = self._accounts.load_listed_key if is_bounded else self._accounts.load_key
        return StoredCredential(hashed, lambda: load(hashed))

    async def _of_outside(self, outside: OutsideTokens, credential: str) -> StoredCredential:
        principal = await outside.principal(credential)
        name = f"outside:{key_hash(credential)}"
        assert principal.expires_at
        seconds = int((principal.expires_at - now()).total_seconds()) + 1
        return StoredCredential(
            name, lambda: self._accounts.load_principal(name, principal, seconds), principal.expires_at
        )


def _plausible(key: str) -> bool:
    """Whether it is worth asking a store. An operator's own key (AEGIS_OPERATOR_KEY) need not have our form."""
    if key.startswith("aeg_"):
        return well_formed(key)
    return SHORTEST_KEY <= len(key) <= 256 and key.isascii() and key.isprintable()
