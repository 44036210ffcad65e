"""What a stage's work took, and the units in which it is billed."""

import time
from datetime import datetime, timedelta

from events.document import DocumentEmbedded, DocumentEvent, DocumentParsed
from shared.records.structs import StageRecord
from shared.types.clock import now
from shared.usage.records import Unit


class Stopwatch:
    """Measures work that is charged: a clock that is set during it changes nothing."""

    def __init__(self, started: datetime) -> None:
        """`started` may be before this moment, where the work started in another delivery."""
        self.started = started
        self._at = max(now(), started)
        self._monotonic = time.monotonic()

    def now(self) -> datetime:
        return self._at + timedelta(seconds=time.monotonic() - self._monotonic)


def billed_units(record: StageRecord, outcome: DocumentEvent | None) -> dict[Unit, int]:
    """Returns the billed units of a stage that has ended.

    A document without pages counts as one page. Where the warm pool read it, its workers' time is billed instead of
    the stage's, which includes the turns of others.
    """
    seconds = milliseconds(record.started_at, record.finished_at)
    if isinstance(outcome, DocumentParsed):
        pages = outcome.pages or 1
        if outcome.pool_ms:
            return {"page_parsed": pages, "gpu_second": outcome.pool_ms}
        return {"function_second": seconds, "page_parsed": pages}
    if isinstance(outcome, DocumentEmbedded):
        return {"function_second": seconds, "embedded_1k_tokens": outcome.tokens}
    return {"function_second": seconds}


def milliseconds(started: datetime, ended: datetime) -> int:
    return max(1, round((ended - started).total_seconds() * 1000))
