"""Switches a model that costs money off, or on again; it holds from the next call on, for every process."""

from msgspec import Struct

from functions.budget.models import BudgetModel, view
from shared.proxy.budget.budget import Budget
from shared.proxy.config.proxy_config import ProxyConfig
from shared.types.errors import DiskFull, NotFound


class SwitchModel(Struct, frozen=True):
    model: str
    enabled: bool


ERRORS = (DiskFull, NotFound)


async def handle(request: SwitchModel, budget: Budget, config: ProxyConfig) -> BudgetModel:
    known = {*config.prices, *(record.model for record in await budget.switches.models())}
    if request.model not in known:
        raise NotFound("No model of this name has a price; GET /budget/models lists those that have.")
    record = None
    if request.enabled:
        await budget.switches.switch_on(request.model)
    else:
        record = await budget.switches.switch_off(request.model)
    return view(request.model, config.price_table, record)
