"""Creates a user of the tenant, who logs in with this name and password."""

from typing import ClassVar

from msgspec import Struct
from msgspec.structs import asdict

from functions.users.view import Password, Username, UserRole, UserView, check_password, view
from shared.access.users import Users
from shared.types.errors import Conflict, DiskFull
from shared.types.principal import Groups, Principal
from shared.types.text import safe_name


class CreateUser(Struct, frozen=True):
    username: Username
    password: Password
    role: UserRole = "member"
    groups: Groups = ()


class NewUser(UserView, frozen=True):
    http_status: ClassVar[int] = 201


ERRORS = (Conflict, DiskFull)


async def handle(request: CreateUser, users: Users, principal: Principal) -> NewUser:
    username = safe_name(request.username)
    check_password(request.password, username)
    user = await users.create(principal.tenant_id, username, request.password, request.role, request.groups)
    return NewUser(**asdict(view(user)))
