"""Asks a script with patience."""

from collections.abc import Sequence
from typing import Any

from shared.counters.port import Counters, Script, Word
from shared.runtime.errors import StoreUnavailable


async def ask(counters: Counters, script: Script, arguments: Sequence[Word]) -> Any:
    """A time-out leaves open whether the script ran. It is asked once more, which is safe with ours: each names its
    operation, and does nothing twice. Raises `StoreUnavailable`."""
    try:
        return await counters.run(script, (), arguments)
    except StoreUnavailable:
        return await counters.run(script, (), arguments)
