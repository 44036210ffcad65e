"""Shows budgets: an admin's tenant and its keys, an operator's platform and all tenants."""

from msgspec import Struct

from functions.budget.scopes import Scopes, scopes_view
from shared.access.accounts import Accounts
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.operations import ScopeOf
from shared.types.principal import Principal


class GetBudget(Struct, frozen=True):
    pass


async def handle(request: GetBudget, budget: Budget, accounts: Accounts, principal: Principal) -> Scopes:
    return scopes_view(await budget.windows(await _scopes(accounts, principal)))


async def _scopes(accounts: Accounts, principal: Principal) -> list[ScopeOf]:
    if principal.is_operator:
        tenants = await accounts.tenants()
        return [ScopeOf("platform"), *(ScopeOf("tenant", tenant.tenant_id, tenant.tenant_id) for tenant in tenants)]
    tenant_id = principal.tenant_id
    keys = await accounts.keys(tenant_id)
    return [ScopeOf("tenant", tenant_id, tenant_id), *(ScopeOf("key", key.key_id, tenant_id) for key in keys)]
