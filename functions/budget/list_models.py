"""Lists the models that cost money, with their prices and whether they may be used."""

from msgspec import Struct

from functions.budget.models import BudgetModels, view
from shared.proxy.budget.budget import Budget
from shared.proxy.config.proxy_config import ProxyConfig


class ListBudgetModels(Struct, frozen=True):
    pass


async def handle(request: ListBudgetModels, budget: Budget, config: ProxyConfig) -> BudgetModels:
    off = {record.model: record for record in await budget.switches.models()}
    names = sorted({*config.prices, *off})
    return BudgetModels([view(name, config.price_table, off.get(name)) for name in names])
