"""Changes a tenant's name or tier, suspends or resumes it; it holds from the next call on."""

from typing import Annotated

import msgspec
from msgspec import Meta

from functions.tenants.view import OneTenant, TenantView, find, view
from shared.access.accounts import Accounts
from shared.types.errors import DiskFull, NotFound
from shared.types.principal import Tier
from shared.types.question import NOT_BLANK
from shared.types.text import safe_name


class ChangeTenant(OneTenant, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=NOT_BLANK)] | None = None
    tier: Tier | None = None
    suspended: bool | None = None


ERRORS = (DiskFull, NotFound)


async def handle(request: ChangeTenant, accounts: Accounts) -> TenantView:
    tenant = await find(request.tenant_id, accounts)
    changed = msgspec.structs.replace(
        tenant,
        name=safe_name(request.name) if request.name else tenant.name,
        tier=request.tier or tenant.tier,
        suspended=tenant.suspended if request.suspended is None else request.suspended,
    )
    return view(await accounts.keep_tenant(changed))
