"""Lists the models that the caller may name."""

from functions.chat.messages import ModelsRequest
from functions.chat.openai_types import AEGIS, ListedModel, ModelList
from shared.access.accounts import Accounts
from shared.proxy.budget.budget import Budget
from shared.proxy.execution.proxy import ExecutionProxy
from shared.types.principal import Principal


async def handle(
    request: ModelsRequest, proxy: ExecutionProxy, accounts: Accounts, budget: Budget, principal: Principal
) -> ModelList:
    return ModelList(data=await listed(proxy, accounts, budget, principal))


async def listed(
    proxy: ExecutionProxy, accounts: Accounts, budget: Budget, principal: Principal
) -> tuple[ListedModel, ...]:
    """Returns the models that the key's scopes and the tenant's settings let it name."""
    named = {AEGIS: AEGIS} if "ask" in principal.scopes else {}
    if "models" in principal.scopes:
        settings = await accounts.settings(principal.tenant_id)
        named |= await proxy.models(with_cloud=settings.cloud_allowed)
    off = {record.model for record in await budget.switches.models()}
    return tuple(
        ListedModel(id=name, created=0, owned_by=owner, aegis_enabled=name not in off) for name, owner in named.items()
    )
