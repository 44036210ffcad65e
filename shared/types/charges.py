"""The charges of the current request so far, wherever in its work they were settled."""

from contextvars import ContextVar

from msgspec.structs import replace

from shared.types.money import usd
from shared.types.usage import Usage


class Charges:
    """The charges of one request, in micro-dollars. A task that the request starts adds to the same."""

    def __init__(self) -> None:
        self.microusd = 0
        self.estimated = False


_CURRENT: ContextVar[Charges | None] = ContextVar("charges", default=None)


def begin_charges() -> Charges:
    """Starts to count for the request that runs in the current context."""
    charges = Charges()
    _CURRENT.set(charges)
    return charges


def add_cost(microusd: int, *, estimated: bool = False) -> None:
    """Counts a cost for the current request; without one, as in the sweep, it counts nowhere."""
    charges = _CURRENT.get()
    if charges is not None:
        charges.microusd += microusd
        charges.estimated = charges.estimated or estimated


def charged_so_far() -> int:
    """What the current request was charged, in micro-dollars; 0 without one."""
    charges = _CURRENT.get()
    return charges.microusd if charges else 0


def whole_bill(usage: Usage) -> Usage:
    """The usage with the cost of all that the current request was charged for: every attempt of a model, answered or
    not, and work with a price. Without a request it is returned as it is."""
    charges = _CURRENT.get()
    if charges is None:
        return usage
    return replace(usage, cost_usd=usd(charges.microusd), estimated=usage.estimated or charges.estimated)
