"""Reads one model that the caller may name."""

from functions.chat.messages import ModelRequest
from functions.chat.models import listed
from functions.chat.openai_types import ListedModel
from shared.access.accounts import Accounts
from shared.proxy.budget.budget import Budget
from shared.proxy.execution.proxy import ExecutionProxy
from shared.types.errors import ModelNotFound
from shared.types.principal import Principal

ERRORS = (ModelNotFound,)


async def handle(
    request: ModelRequest, proxy: ExecutionProxy, accounts: Accounts, budget: Budget, principal: Principal
) -> ListedModel:
    for model in await listed(proxy, accounts, budget, principal):
        if model.id in (request.id, f"{request.id}:latest"):
            return model
    raise ModelNotFound(f"There is no model {request.id!r} that this key may name; GET /v1/models lists those.")
