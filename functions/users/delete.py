"""Deletes a user: its sessions end, its keys are revoked. Its documents stay."""

from msgspec import Struct

from shared.access.accounts import Accounts
from shared.access.sessions import Sessions
from shared.access.users import Users
from shared.types.errors import DiskFull, NotFound
from shared.types.principal import Principal


class DeleteUser(Struct, frozen=True):
    user_id: str


ERRORS = (DiskFull, NotFound)


async def handle(
    request: DeleteUser, users: Users, sessions: Sessions, accounts: Accounts, principal: Principal
) -> None:
    user = await users.read(principal.tenant_id, request.user_id)
    await sessions.end_all(user)
    for key in await accounts.keys(principal.tenant_id):
        if key.user_id == user.user_id:
            await accounts.revoke_key(principal.tenant_id, key.key_id)
    await users.erase(user)
