"""An event that could not be delivered, with the answer to its last attempt."""

from msgspec import Struct

from events.envelope import CloudEvent


class UndeliveredEvent(Struct, frozen=True):
    """`function` is who could not handle it; `attempts` counts them all."""

    event: CloudEvent
    function: str
    status: int
    detail: str
    attempts: int
