"""Shows one tenant."""

from functions.tenants.view import OneTenant, TenantView, find, view
from shared.access.accounts import Accounts
from shared.types.errors import NotFound

ERRORS = (NotFound,)


async def handle(request: OneTenant, accounts: Accounts) -> TenantView:
    return view(await find(request.tenant_id, accounts))
