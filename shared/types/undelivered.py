"""An event that no attempt could handle, with what its last attempt answered."""

from msgspec import Struct

from events.envelope import CloudEvent


class UndeliveredEvent(Struct, frozen=True):
    """`function` is who could not handle it; `attempts` counts them all."""

    event: CloudEvent
    function: str
    status: int
    detail: str
    attempts: int
