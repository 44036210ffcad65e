"""What the doctor finds."""

from typing import Literal

from msgspec import Struct


class Check(Struct, frozen=True):
    """`note` is worth knowing and stops nothing; `failed` is in the way."""

    name: str
    status: Literal["ok", "note", "failed"]
    detail: str
    fix: str = ""
