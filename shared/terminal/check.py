"""The result of one check of `aegis doctor`."""

from typing import Literal

from msgspec import Struct


class Check(Struct, frozen=True):
    """`note` is information and stops nothing; `failed` has to be fixed."""

    name: str
    status: Literal["ok", "note", "failed"]
    detail: str
    fix: str = ""
