"""Creates a tenant and its first admin key, which is shown only in this answer."""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from shared.access.accounts import Accounts
from shared.types.errors import DiskFull
from shared.types.principal import Tier
from shared.types.question import NOT_BLANK
from shared.types.text import safe_name


class CreateTenant(Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1, max_length=200, pattern=NOT_BLANK)]
    tier: Tier


class NewTenant(Struct, frozen=True):
    http_status: ClassVar[int] = 201

    tenant_id: str
    name: str
    tier: Tier
    api_key: str


ERRORS = (DiskFull,)


async def handle(request: CreateTenant, accounts: Accounts) -> NewTenant:
    tenant = await accounts.create_tenant(safe_name(request.name), request.tier)
    _, key = await accounts.create_key(tenant.tenant_id, "first key", "admin")
    await accounts.cache_new_key(key)
    return NewTenant(tenant.tenant_id, tenant.name, tenant.tier, key)
