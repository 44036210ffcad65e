"""Shows the tenant's settings."""

from msgspec import Struct

from shared.access.accounts import Accounts
from shared.records.structs import TenantSettings
from shared.types.principal import Principal


class ReadSettings(Struct, frozen=True):
    pass


async def handle(request: ReadSettings, accounts: Accounts, principal: Principal) -> TenantSettings:
    return await accounts.settings(principal.tenant_id)
