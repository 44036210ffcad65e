"""Money is an integer of micro-dollars; only what people read is in dollars."""


def usd(microusd: int) -> float:
    """Exact to the 6 decimals that there are."""
    return microusd / 1_000_000


def microusd(usd: float) -> int:
    return round(usd * 1_000_000)
