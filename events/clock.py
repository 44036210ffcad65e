"""The tick of the clock that triggers the sweep."""

from typing import cast

from msgspec import Struct


class ClockTicked(Struct, frozen=True, tag_field="type", tag="aegis.clock.ticked.v1"):
    """A tick has neither tenant nor data."""

    @classmethod
    def type_name(cls) -> str:
        return cast(str, cls.__struct_config__.tag)
