"""Ends the work of a stage whose document is deleted."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

from events.document import Origin
from shared.catalogue.catalogue import Catalogue
from shared.records.records import DocumentIsDeleted
from shared.types.errors import StoreUnavailable
from shared.types.tasks import cancel_all

_Result = TypeVar("_Result")

WATCH_S = 1.0
"""How often a running stage looks whether its document is deleted."""


async def unless_deleted(work: Coroutine[Any, Any, _Result], origin: Origin, catalogue: Catalogue) -> _Result:
    """Awaits the work, and cancels it once its document is deleted. Raises `DocumentIsDeleted` then."""
    task = asyncio.create_task(work)
    try:
        while not (await asyncio.wait([task], timeout=WATCH_S))[0]:
            with contextlib.suppress(StoreUnavailable):  # the work does not wait for the answer
                if await catalogue.is_dropped(origin.document_id, origin.generation):
                    raise DocumentIsDeleted(f"{origin.document_id} was deleted while a stage was at work on it")
        return task.result()
    finally:
        await cancel_all([task])
