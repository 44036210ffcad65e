"""Shows a user of the tenant."""

from msgspec import Struct

from functions.users.view import UserView, view
from shared.access.users import Users
from shared.types.errors import NotFound
from shared.types.principal import Principal


class ReadUser(Struct, frozen=True):
    user_id: str


ERRORS = (NotFound,)


async def handle(request: ReadUser, users: Users, principal: Principal) -> UserView:
    return view(await users.read(principal.tenant_id, request.user_id))
