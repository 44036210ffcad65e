"""Changes a user's role, groups or password. Role and groups hold from the next call on; a new password ends the
sessions that there are."""

from msgspec import Struct
from msgspec.structs import replace

from functions.users.view import Password, UserRole, UserView, check_password, view
from shared.access.passwords import hash_password
from shared.access.sessions import Sessions
from shared.access.users import Users
from shared.types.errors import DiskFull, NotFound
from shared.types.principal import Groups, Principal


class ChangeUser(Struct, frozen=True):
    """What is left out stays."""

    user_id: str
    role: UserRole | None = None
    groups: Groups | None = None
    password: Password | None = None


ERRORS = (DiskFull, NotFound)


async def handle(request: ChangeUser, users: Users, sessions: Sessions, principal: Principal) -> UserView:
    user = await users.read(principal.tenant_id, request.user_id)
    changed = replace(
        user,
        role=request.role or user.role,
        groups=user.groups if request.groups is None else request.groups,
    )
    if request.password is not None:
        check_password(request.password, user.username)
        changed = replace(changed, password_hash=await hash_password(request.password))
    await users.write(changed)
    await (sessions.change(changed) if request.password is None else sessions.end_all(changed))
    return view(changed)
