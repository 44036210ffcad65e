"""Makes a key like another one, which goes on for a while, so that programs can change to the new one."""

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict

from functions.keys.created import NewKey, check_within, latest_end, new_key
from shared.access.accounts import Accounts
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.operations import ScopeOf
from shared.types.clock import now
from shared.types.errors import Conflict, DiskFull, Forbidden, NotFound
from shared.types.principal import Principal

_LONGEST_S = 30 * 86400


class RotateKey(Struct, frozen=True):
    """The old key ends after `overlap_seconds`, a day, or at its own end where that is earlier."""

    key_id: str
    overlap_seconds: Annotated[int, Meta(ge=0, le=_LONGEST_S)] = 86400


class RotatedKey(NewKey, frozen=True):
    """`replaces` is the old key, which ends at `replaced_expires_at`."""

    replaces: str
    replaced_expires_at: datetime


ERRORS = (Conflict, DiskFull, Forbidden, NotFound)


async def handle(request: RotateKey, accounts: Accounts, budget: Budget, principal: Principal) -> RotatedKey:
    old = await accounts.key(principal.tenant_id, request.key_id)
    if old.rotated_to:
        raise Conflict(f"The key was rotated before; rotate `{old.rotated_to}`, which replaced it.")
    if old.expires_at and old.expires_at <= now():
        raise Conflict("The key has expired; create another one.")
    check_within(old.role, old.scopes, old.expires_at, principal)
    record, key = await accounts.create_key(
        old.tenant_id,
        old.name,
        old.role,
        scopes=old.scopes,
        user_id=old.user_id,
        expires_at=old.expires_at or latest_end(principal),
        groups=old.groups,
    )
    await budget.copy_caps(ScopeOf("key", old.key_id, old.tenant_id), ScopeOf("key", record.key_id, old.tenant_id))
    ends_at = now() + timedelta(seconds=request.overlap_seconds)
    ends_at = min(ends_at, old.expires_at) if old.expires_at else ends_at
    await accounts.replace_key(old, record.key_id, ends_at)
    await accounts.cache_new_key(key)
    return RotatedKey(**asdict(new_key(record, key)), replaces=old.key_id, replaced_expires_at=ends_at)
