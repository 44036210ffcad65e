"""The reasons for which a document waits."""

from typing import Literal

from msgspec import Struct

WaitsFor = Literal["gpu_slot", "budget", "rate_limit"]


class Waiting(Struct, frozen=True):
    """A stage's answer that has not ended: its work stands in a queue, and its outcome comes from there."""

    on: WaitsFor
