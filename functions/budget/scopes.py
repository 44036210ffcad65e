"""A budget's scopes as admins and operators see them."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from shared.proxy.budget.operations import WindowState
from shared.types.money import usd


class BudgetWindowView(Struct, frozen=True):
    """`cap_usd` and `remaining_usd` are null where nothing limits it; `id` is null for the platform."""

    scope: Literal["tenant", "key", "platform"]
    id: str | None
    window: Literal["day", "month"]
    cap_usd: float | None
    spent_usd: float
    reserved_usd: float
    remaining_usd: float | None
    resets_at: datetime


class Scopes(Struct, frozen=True):
    scopes: list[BudgetWindowView]


def scopes_view(states: list[WindowState]) -> Scopes:
    return Scopes([_window_view(state) for state in states])


def _window_view(state: WindowState) -> BudgetWindowView:
    return BudgetWindowView(
        scope=state.scope,  # type: ignore[arg-type]  # a document's whole life has no windows here
        id=state.id or None,
        window=state.window,  # type: ignore[arg-type]
        cap_usd=_usd(state.cap_microusd),
        spent_usd=usd(state.spent_microusd),
        reserved_usd=usd(state.reserved_microusd),
        remaining_usd=_usd(state.remaining_microusd),
        resets_at=state.resets_at,
    )


def _usd(amount: int | None) -> float | None:
    return None if amount is None else usd(amount)
