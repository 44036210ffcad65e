"""Creates an API key, which is shown only in this answer."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from shared.access.accounts import Accounts
from shared.types.clock import now
from shared.types.errors import DiskFull, InvalidRequest
from shared.types.principal import SCOPES, Principal, Scope
from shared.types.question import NOT_BLANK


class CreateKey(Struct, frozen=True):
    """Without scopes the key has all that its role allows; `expires_at` has a time zone and lies ahead."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=NOT_BLANK)]
    scopes: tuple[Scope, ...] | None = None
    role: Literal["reader", "member", "admin"] = "member"
    user_id: Annotated[str, Meta(max_length=100)] | None = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


class NewKey(Struct, frozen=True):
    http_status: ClassVar[int] = 201

    key_id: str
    api_key: str
    name: str
    role: str
    scopes: tuple[Scope, ...]
    expires_at: datetime | None


ERRORS = (DiskFull,)


async def handle(request: CreateKey, accounts: Accounts, principal: Principal) -> NewKey:
    try:
        expires_at = request.expires_at.astimezone(UTC) if request.expires_at else None
    except OverflowError:
        raise InvalidRequest.at("/expires_at", "`expires_at` lies outside the calendar in UTC") from None
    if expires_at and expires_at <= now():
        raise InvalidRequest.at("/expires_at", "`expires_at` has to lie in the future")
    scopes = SCOPES if request.scopes is None else tuple(dict.fromkeys(request.scopes))
    record, key = await accounts.create_key(
        principal.tenant_id,
        request.name,
        request.role,
        scopes=scopes,
        user_id=request.user_id,
        expires_at=expires_at,
    )
    return NewKey(record.key_id, key, record.name, record.role, record.scopes, record.expires_at)
