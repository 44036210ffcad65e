"""What the current request has paid for so far, wherever in its work that was settled."""

from contextvars import ContextVar


class Charges:
    """The charges of one request, in micro-dollars. A task that the request starts adds to the same."""

    def __init__(self) -> None:
        self.microusd = 0


_CURRENT: ContextVar[Charges | None] = ContextVar("charges", default=None)


def begin_charges() -> Charges:
    """Starts to count for the request that runs in the current context."""
    charges = Charges()
    _CURRENT.set(charges)
    return charges


def add_cost(microusd: int) -> None:
    """Counts a cost for the current request; without one, as in the sweep, it counts nowhere."""
    charges = _CURRENT.get()
    if charges is not None:
        charges.microusd += microusd
