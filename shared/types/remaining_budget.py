"""The remaining budget of a caller, for the header `X-Budget-Remaining`."""


class RemainingBudget:
    """One request's: the gate says what is left when it comes in, the proxy what is left after it paid."""

    def __init__(self) -> None:
        self.header = ""
        """The header's value; empty while it is unknown."""

    def show(self, microusd: int | None) -> None:
        """The smallest of what is left in the caller's scopes; None where nothing limits it."""
        self.header = "unlimited" if microusd is None else f"{microusd // 10**6}.{microusd % 10**6:06d}"
