"""The documents whose text may be in the answer of the current request, wherever in its work they were read."""

from collections.abc import Iterable
from contextvars import ContextVar

_CURRENT: ContextVar[set[str] | None] = ContextVar("sources", default=None)


def begin_sources() -> set[str]:
    """Starts to collect for the request that runs in the current context; a task that it starts adds to the same."""
    document_ids: set[str] = set()
    _CURRENT.set(document_ids)
    return document_ids


def add_sources(document_ids: Iterable[str]) -> None:
    """Adds documents to the current request; without one nothing is collected."""
    collected = _CURRENT.get()
    if collected is not None:
        collected.update(document_ids)
