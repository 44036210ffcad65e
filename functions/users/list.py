"""Lists the tenant's users, newest first."""

from functions.users.view import UserView, view
from shared.access.users import Users
from shared.types.http import Paged
from shared.types.paging import PageRequest, cut
from shared.types.principal import Principal


class ListUsers(PageRequest, frozen=True):
    pass


class UserList(Paged, frozen=True, kw_only=True):
    items: list[UserView]


async def handle(request: ListUsers, users: Users, principal: Principal) -> UserList:
    found = await users.list(principal.tenant_id)
    page, cursor = cut(found, request, lambda user: (user.created_at, user.user_id))
    return UserList(items=[view(user) for user in page], next_cursor=cursor)
