"""Lists the models that the caller may name."""

from functions.chat.messages import ModelsRequest
from functions.chat.openai_types import AEGIS, ListedModel, ModelList
from shared.access.accounts import Accounts
from shared.proxy.execution.proxy import ExecutionProxy
from shared.types.principal import Principal


async def handle(request: ModelsRequest, proxy: ExecutionProxy, accounts: Accounts, principal: Principal) -> ModelList:
    named = {AEGIS: AEGIS} if "ask" in principal.scopes else {}
    if "models" in principal.scopes:
        settings = await accounts.settings(principal.tenant_id)
        named |= await proxy.models(with_cloud=settings.cloud_allowed)
    return ModelList(data=tuple(ListedModel(id=name, created=0, owned_by=owner) for name, owner in named.items()))
