"""Sets what a tenant, a key or the platform may spend; it holds from the next call on, for every process."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from functions.budget.scopes import Scopes, scopes_view
from shared.access.accounts import Accounts
from shared.proxy.budget.budget import Budget
from shared.proxy.budget.caps import Caps
from shared.proxy.budget.operations import ScopeOf
from shared.types.errors import Forbidden, InvalidRequest, NotFound
from shared.types.money import Dollars, microusd
from shared.types.principal import Principal


class SetBudget(Struct, frozen=True):
    """Null takes the cap away, as far as a higher one does not hold; what is left out stays as it is. `id` is the
    tenant's or the key's; an admin's own tenant needs none."""

    scope: Literal["tenant", "key", "platform"]
    id: str | None = None
    daily_usd: Dollars | UnsetType | None = UNSET
    monthly_usd: Dollars | UnsetType | None = UNSET


ERRORS = (NotFound,)


async def handle(request: SetBudget, budget: Budget, accounts: Accounts, principal: Principal) -> Scopes:
    caps = Caps(_amount(request.daily_usd, "/daily_usd"), _amount(request.monthly_usd, "/monthly_usd"))
    if caps == Caps():
        raise InvalidRequest.at("/daily_usd", "Give `daily_usd`, `monthly_usd` or both")
    scope = await _scope(request, accounts, principal)
    await budget.change_caps(scope, "operator" if principal.is_operator else "admin", caps)
    return scopes_view(await budget.windows([scope]))


async def _scope(request: SetBudget, accounts: Accounts, principal: Principal) -> ScopeOf:
    if request.scope == "platform":
        if not principal.is_operator:
            raise Forbidden("The platform's budget is set by an operator.")
        if request.id:
            raise InvalidRequest.at("/id", "The platform has no `id`")
        return ScopeOf("platform")
    wanted = request.id or (principal.tenant_id if request.scope == "tenant" else "")
    if not wanted:
        raise InvalidRequest.at("/id", f"Say in `id` which {request.scope}")
    if request.scope == "tenant":
        reachable = principal.is_operator or wanted == principal.tenant_id
        if not reachable or await accounts.tenant(wanted) is None:
            raise NotFound("There is no such tenant.")
        return ScopeOf("tenant", wanted, wanted)
    return await _key(wanted, accounts, principal)


async def _key(key_id: str, accounts: Accounts, principal: Principal) -> ScopeOf:
    own = [principal.tenant_id]
    for tenant_id in [tenant.tenant_id for tenant in await accounts.tenants()] if principal.is_operator else own:
        if any(key.key_id == key_id for key in await accounts.keys(tenant_id)):
            return ScopeOf("key", key_id, tenant_id)
    raise NotFound("There is no such key.")


def _amount(dollars: float | UnsetType | None, pointer: str) -> int | UnsetType | None:
    return microusd(dollars, pointer) if isinstance(dollars, int | float) else dollars
