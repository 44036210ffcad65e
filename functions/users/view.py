"""A user as the API shows it, and what its fields take."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from shared.access.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from shared.access.users import LONGEST_NAME
from shared.records.structs import UserRecord
from shared.types.errors import InvalidRequest
from shared.types.principal import Groups
from shared.types.question import NOT_BLANK
from shared.types.text import normalized

Username = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, pattern=NOT_BLANK)]
Password = Annotated[str, Meta(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD)]
UserRole = Literal["reader", "member", "admin"]


class UserView(Struct, frozen=True):
    user_id: str
    username: str
    role: str
    groups: Groups
    created_at: datetime


def view(user: UserRecord) -> UserView:
    return UserView(user.user_id, user.username, user.role, user.groups, user.created_at)


def check_password(password: str, username: str) -> None:
    """Raises `InvalidRequest` for a password that is the name, or one letter again and again."""
    if normalized(password) == normalized(username) or len(set(password)) < 4:
        raise InvalidRequest.at("/password", "the password is too easy to guess")
