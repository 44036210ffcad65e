"""The view of a tenant that operators get."""

from datetime import datetime

import msgspec
from msgspec import Struct

from shared.access.accounts import Accounts
from shared.records.structs import TenantRecord
from shared.types.errors import NotFound
from shared.types.principal import Tier


class OneTenant(Struct, frozen=True):
    tenant_id: str


class TenantView(Struct, frozen=True):
    tenant_id: str
    name: str
    tier: Tier
    created_at: datetime
    suspended: bool


def view(tenant: TenantRecord) -> TenantView:
    return msgspec.convert(tenant, TenantView, from_attributes=True)


async def find(tenant_id: str, accounts: Accounts) -> TenantRecord:
    tenant = await accounts.tenant(tenant_id)
    if tenant is None:
        raise NotFound("There is no such tenant.")
    return tenant
