"""A new key in the only answer that contains it, and what its maker may give it."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from shared.records.structs import KeyRecord
from shared.types.errors import Forbidden
from shared.types.principal import Groups, Principal, Role, Scope


class NewKey(Struct, frozen=True):
    http_status: ClassVar[int] = 201

    key_id: str
    api_key: str
    name: str
    role: str
    scopes: tuple[Scope, ...]
    groups: Groups
    expires_at: datetime | None


def new_key(record: KeyRecord, key: str) -> NewKey:
    return NewKey(record.key_id, key, record.name, record.role, record.scopes, record.groups, record.expires_at)


def latest_end(maker: Principal) -> datetime | None:
    """When a key without an end of its own expires. A login ends long before the keys that it makes."""
    return None if maker.session_id else maker.expires_at


def check_within(role: Role, scopes: Iterable[Scope], expires_at: datetime | None, maker: Principal) -> None:
    """A key can give no more than its maker has, or it would be a way around its own limits. Raises `Forbidden`."""
    if not maker.has_role((role,)):
        raise Forbidden(f"A credential with the role {maker.role} cannot create a key with the role {role}.")
    if missing := [scope for scope in scopes if scope not in maker.scopes]:
        raise Forbidden(f"The credential itself lacks {', '.join(f'`{scope}`' for scope in missing)}.")
    latest = latest_end(maker)
    if expires_at and latest and expires_at > latest:
        raise Forbidden("The credential itself expires before `expires_at`.")
