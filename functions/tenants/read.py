"""Shows one tenant."""

from functions.tenants.shown import OneTenant, ShownTenant, find, shown
from shared.access.accounts import Accounts


async def handle(request: OneTenant, accounts: Accounts) -> ShownTenant:
    return shown(await find(request.tenant_id, accounts))
