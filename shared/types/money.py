"""Money is an integer of micro-dollars; only what people read is in dollars."""

from typing import Annotated

from msgspec import Meta

Dollars = Annotated[float, Meta(ge=0, le=1_000_000_000)]
"""An amount that a caller names; the bound keeps infinity out."""


def usd(microusd: int) -> float:
    """Exact to the 6 decimals that there are."""
    return microusd / 1_000_000


def microusd(usd: float) -> int:
    return round(usd * 1_000_000)
