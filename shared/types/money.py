"""Money is an integer of micro-dollars; only what people read is in dollars."""

from typing import Annotated

from msgspec import Meta

from shared.types.errors import InvalidRequest

Dollars = Annotated[float, Meta(ge=0, le=1_000_000_000)]
"""An amount that a caller names; the bound keeps infinity out."""


def usd(microusd: int) -> float:
    """Exact to the 6 decimals that there are."""
    return microusd / 1_000_000


def nearest_microusd(usd: float) -> int:
    """An amount of ours that a float carried."""
    return round(usd * 1_000_000)


def microusd(usd: float, pointer: str) -> int:
    """An amount that a caller named at `pointer`. Raises `InvalidRequest` where it has parts of a micro-dollar, apart
    from what a float adds by itself: 0.0000001 is not 0."""
    exact = usd * 1_000_000
    if (usd and not round(exact)) or abs(exact - round(exact)) > max(1e-6, exact * 1e-15):
        raise InvalidRequest.at(pointer, "an amount has at most 6 decimals; the smallest is 0.000001")
    return round(exact)
