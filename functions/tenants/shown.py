"""A tenant as operators see it."""

from datetime import datetime

from msgspec import Struct

from shared.access.accounts import Accounts
from shared.records.structs import TenantRecord
from shared.types.errors import NotFound
from shared.types.principal import Tier


class OneTenant(Struct, frozen=True):
    tenant_id: str


class ShownTenant(Struct, frozen=True):
    tenant_id: str
    name: str
    tier: Tier
    created_at: datetime


def shown(tenant: TenantRecord) -> ShownTenant:
    return ShownTenant(tenant.tenant_id, tenant.name, tenant.tier, tenant.created_at)


async def find(tenant_id: str, accounts: Accounts) -> TenantRecord:
    tenant = await accounts.tenant(tenant_id)
    if tenant is None:
        raise NotFound("There is no such tenant.")
    return tenant
