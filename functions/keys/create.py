"""Creates an API key, which is shown only in this answer."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

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


class NewKey(Struct, frozen=True):
    http_status: ClassVar[int] = 201

    key_id: str
    api_key: str
    name: str
    role: str
    scopes: tuple[Scope, ...]
    groups: Groups
    expires_at: datetime | None


ERRORS = (DiskFull, Forbidden)


async def handle(request: CreateKey, accounts: Accounts, principal: Principal) -> NewKey:
    try:
        expires_at = request.expires_at.astimezone(UTC) if request.expires_at else None
    except OverflowError:
        raise InvalidRequest.at("/expires_at", "`expires_at` lies outside the calendar in UTC") from None
    if expires_at and expires_at <= now():
        raise InvalidRequest.at("/expires_at", "`expires_at` has to lie in the future")
    _check_within(request, expires_at, principal)
    scopes = principal.scopes if request.scopes is None else tuple(dict.fromkeys(request.scopes))
    record, key = await accounts.create_key(
        principal.tenant_id,
        safe_name(request.name),
        request.role,
        scopes=scopes,
        user_id=request.user_id,
        expires_at=expires_at or (None if principal.session_id else principal.expires_at),
        groups=request.groups,
    )
    await accounts.cache_new_key(key)
    return NewKey(record.key_id, key, record.name, record.role, record.scopes, record.groups, record.expires_at)


def _check_within(request: CreateKey, expires_at: datetime | None, maker: Principal) -> None:
    """A key can give no more than its maker has, or it would be a way around its own limits. Raises `Forbidden`."""
    if not maker.has_role((request.role,)):
        raise Forbidden(f"A credential with the role {maker.role} cannot create a key with the role {request.role}.")
    if missing := [scope for scope in request.scopes or () if scope not in maker.scopes]:
        raise Forbidden(f"The credential itself lacks {', '.join(f'`{scope}`' for scope in missing)}.")
    if expires_at and maker.expires_at and not maker.session_id and expires_at > maker.expires_at:
        raise Forbidden("The credential itself expires before `expires_at`.")
