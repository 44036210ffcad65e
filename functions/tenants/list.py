"""Lists tenants, newest first."""

from functions.tenants.view import TenantView, view
from shared.access.accounts import Accounts
from shared.types.http import Paged
from shared.types.paging import PageRequest, cut


class ListTenants(PageRequest, frozen=True):
    pass


class Tenants(Paged, frozen=True, kw_only=True):
    items: list[TenantView]


async def handle(request: ListTenants, accounts: Accounts) -> Tenants:
    page, cursor = cut(await accounts.tenants(), request, lambda tenant: (tenant.created_at, tenant.tenant_id))
    return Tenants(items=[view(tenant) for tenant in page], next_cursor=cursor)
