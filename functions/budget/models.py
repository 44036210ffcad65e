"""The view of a priced model that operators get."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from shared.proxy.budget.switches import ModelOff
from shared.proxy.prices import PriceTable
from shared.types.money import usd


class BudgetModel(Struct, frozen=True):
    """Prices are per million tokens, null where there are none. `reason` and `since` are null while the model is
    enabled; `operation_id` is the call that cost more than was reserved for it."""

    model: str
    enabled: bool
    input_usd: float | None
    output_usd: float | None
    reason: Literal["exceeded_worst_case", "operator"] | None = None
    since: datetime | None = None
    operation_id: str | None = None


class BudgetModels(Struct, frozen=True):
    models: list[BudgetModel]


def view(model: str, prices: PriceTable, off: ModelOff | None) -> BudgetModel:
    price = prices.price(model)
    input_usd, output_usd = (usd(price.input), usd(price.output)) if price else (None, None)
    if off is None:
        return BudgetModel(model, True, input_usd, output_usd)
    reason: Literal["exceeded_worst_case", "operator"] = "exceeded_worst_case" if off.operation_id else "operator"
    return BudgetModel(model, False, input_usd, output_usd, reason, off.at, off.operation_id or None)
