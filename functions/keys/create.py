"""Creates an API key, which is shown only in this answer."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from functions.keys.created import NewKey, check_within, latest_end, new_key
from shared.access.accounts import Accounts
from shared.types.clock import now
from shared.types.errors import DiskFull, Forbidden, InvalidRequest
from shared.types.principal import Groups, Principal, Scope
from shared.types.question import NOT_BLANK
from shared.types.text import safe_name


class CreateKey(Struct, frozen=True):
    """Without scopes the key has all of its maker's; without `expires_at` it ends when its maker does. `expires_at` has
    a time zone and lies ahead."""

    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=NOT_BLANK)]
    scopes: tuple[Scope, ...] | None = None
    role: Literal["reader", "member", "admin"] = "member"
    user_id: Annotated[str, Meta(max_length=100)] | None = None
    groups: Groups = ()
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None


ERRORS = (DiskFull, Forbidden)


async def handle(request: CreateKey, accounts: Accounts, principal: Principal) -> NewKey:
    try:
        expires_at = request.expires_at.astimezone(UTC) if request.expires_at else None
    except OverflowError:
        raise InvalidRequest.at("/expires_at", "`expires_at` lies outside the calendar in UTC") from None
    if expires_at and expires_at <= now():
        raise InvalidRequest.at("/expires_at", "`expires_at` has to lie in the future")
    check_within(request.role, request.scopes or (), expires_at, principal)
    scopes = principal.scopes if request.scopes is None else tuple(dict.fromkeys(request.scopes))
    record, key = await accounts.create_key(
        principal.tenant_id,
        safe_name(request.name),
        request.role,
        scopes=scopes,
        user_id=request.user_id,
        expires_at=expires_at or latest_end(principal),
        groups=request.groups,
    )
    await accounts.cache_new_key(key)
    return new_key(record, key)
