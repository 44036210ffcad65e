"""The needs of the pool: a parser of slices, and the stage whose documents it parses."""

from datetime import datetime
from typing import Protocol

from events.document import DocumentStored
from shared.parsing.document import Slice
from shared.records.structs import Reason
from shared.stages.stages import StageWork


class OutcomeNotDelivered(Exception):
    """A document's outcome could not be published; the pool tries again."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class SliceReader(Protocol):
    async def parse_slice(
        self, media_type: str, content: bytes, first: int, spent: float = 0.0, last: int | None = None
    ) -> Slice:
        """Raises `Rejected` for what is wrong with the document."""
        ...


class SlicedStage(Protocol):
    """Every method raises `StoreUnavailable`."""

    name: str

    def work(self, event: DocumentStored) -> StageWork:
        """Returns the work of an event, with the key and the parts that a delivery has."""
        ...

    async def is_over(self, event: DocumentStored) -> bool:
        """Whether nothing is left to read: the stage has ended, or its document is deleted."""
        ...

    async def is_deleted(self, event: DocumentStored) -> bool: ...

    async def mark_for_erasure(self, event: DocumentStored) -> None:
        """Marks a deleted document for the sweep, which erases what was written after the erasure."""
        ...

    async def show_running(self, event: DocumentStored, started: datetime) -> None: ...

    async def show_trouble(self, event: DocumentStored, started: datetime, attempts: int, reason: Reason) -> None: ...

    async def conclude(self, event: DocumentStored, started: datetime) -> bool:
        """Ends the stage and publishes its outcome. False where it has not ended: another delivery holds it, or parts
        are missing. Raises `OutcomeNotDelivered`."""
        ...

    async def dead_letter(self, event: DocumentStored, status: int, detail: str, attempts: int) -> None:
        """Hands over an event that no attempt could handle."""
        ...
