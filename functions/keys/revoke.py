"""Revokes an API key; it is refused from the next call on."""

from msgspec import Struct

from shared.access.accounts import Accounts
from shared.types.errors import NotFound
from shared.types.principal import Principal


class RevokeKey(Struct, frozen=True):
    key_id: str


ERRORS = (NotFound,)


async def handle(request: RevokeKey, accounts: Accounts, principal: Principal) -> None:
    await accounts.revoke_key(principal.tenant_id, request.key_id)
