"""The amount that a document's stages may still cost, where its uploader has set a limit or its payer has a budget.

A stage that would go beyond it does not begin: the document waits until there is room in the budget again, or until
`POST /documents/{id}/retry` raises the bound.
Seconds are billed as they pass, so that the last stage that was begun may end above it by its own seconds alone.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from shared.types.errors import AegisError
from shared.types.money import usd
from shared.usage.records import Unit

Quantities = Mapping[Unit, int]


class BeyondAllowance(AegisError):
    """The document is not at fault, and trying again by itself helps nothing."""


class DocumentAllowance(Struct, frozen=True):
    """`left_microusd` is None where nothing bounds the document, or all its units are free; `cost` is in
    micro-dollars."""

    left_microusd: int | None = None
    cost: Callable[[Quantities], int] = lambda done: 0

    @property
    def is_bounded(self) -> bool:
        return self.left_microusd is not None

    def check(self, work: Quantities, later: Iterable[Quantities] = ()) -> None:
        """Raises `BeyondAllowance` where `work`, and what the stages after this one take at least, cost too much."""
        if self.left_microusd is None:
            return
        needed = self.cost(work) + sum(map(self.cost, later))
        if needed > self.left_microusd:
            raise BeyondAllowance(
                f"What is left to do costs {usd(needed):.6f} USD, and {usd(self.left_microusd):.6f} are left of what "
                "the document's `max_cost_usd` and its payer's budget."
            )
