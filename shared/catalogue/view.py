"""A document as the API shows it."""

from datetime import datetime

from msgspec import Struct

from shared.catalogue.catalogue import CatalogueEntry, StageStatus, StageView
from shared.records.structs import Reason
from shared.types.document import REACHED, Classification, Status
from shared.types.money import usd
from shared.types.waiting import WaitsFor

FINAL: frozenset[Status] = frozenset({"ready", "rejected", "failed"})


class StageProgress(Struct, frozen=True):
    stage: str
    status: StageStatus
    attempts: int
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None
    cost_usd: float
    reason: Reason | None


class WaitingStage(StageProgress, frozen=True, kw_only=True):
    """A stage that waits, as an event of a watch."""

    waiting_for: WaitsFor | None


class DocumentView(Struct, frozen=True):
    """A document with its progress. `bytes` is the original's size; `text_share` is the share of its words, as another
    reader counts them, that are in its content; `parser` is the one that read it. What is unknown is null."""

    document_id: str
    title: str
    filename: str
    media_type: str
    bytes: int
    classification: Classification
    route: str
    status: Status
    reason: Reason | None
    waiting_for: WaitsFor | None
    created_at: datetime
    updated_at: datetime
    pages: int | None
    passages: int | None
    entities: int | None
    cost_usd: float
    text_share: float | None
    hidden_words: int | None
    parser: str | None
    stages: tuple[StageProgress, ...]


def view(entry: CatalogueEntry, pipeline: tuple[str, ...]) -> DocumentView:
    """`pipeline` names the stages in their order."""
    record = entry.record
    stages = {stage.stage: stage for stage in entry.stages}
    waits = (stage.waiting_for for stage in entry.stages if stage.status == "waiting" and stage.waiting_for)
    parser = next((stage.parser for stage in entry.stages if stage.parser), "")
    return DocumentView(
        document_id=record.document_id,
        title=title_of(entry),
        filename=record.filename,
        media_type=record.media_type,
        bytes=record.size,
        classification=record.classification,
        route=record.route,
        status=status_of(entry, pipeline),
        reason=_reason(entry),
        waiting_for=next(waits, None),
        created_at=record.created_at,
        updated_at=entry.touched_at,
        pages=_count(stages, "printed_pages") or _count(stages, "pages") or None,
        passages=_count(stages, "count", "chunk"),
        entities=_count(stages, "entities", "finish"),
        cost_usd=usd(sum(stage.cost_microusd for stage in entry.stages)),
        text_share=text_share(_count(stages, "words_in") or 0, _count(stages, "words_out") or 0),
        hidden_words=_count(stages, "hidden_words") if parser else None,
        parser=parser or None,
        stages=tuple(_progress(stages.get(name) or StageView(name, "pending")) for name in pipeline),
    )


def text_share(words_in: int, words_out: int) -> float | None:
    """Returns a share with three decimals, rounded down so that 1 means every word; None where none were counted."""
    return min(1000 * words_out // words_in, 1000) / 1000 if words_in else None


def title_of(entry: CatalogueEntry) -> str:
    """The title that was given, else the one found in the document, else its file's name."""
    found = next((stage.title for stage in entry.stages if stage.title), "")
    return entry.record.title or found or entry.record.filename


def status_of(entry: CatalogueEntry, pipeline: tuple[str, ...]) -> Status:
    if any(stage.rejected for stage in entry.stages):
        return "rejected"
    by_name = {stage.stage: stage.status for stage in entry.stages}
    if "failed" in by_name.values():
        return "failed"
    if by_name.get("finish") != "done" and "waiting" in by_name.values():
        return "waiting"
    done = [name for name in pipeline if by_name.get(name) == "done"]
    return REACHED[done[-1]] if done else "stored"


def _reason(entry: CatalogueEntry) -> Reason | None:
    """The reason of a rejection, else of a failure, else of a wait."""
    given = [stage for stage in entry.stages if stage.reason and stage.status in ("failed", "waiting")]
    worst = sorted(given, key=lambda stage: (not stage.rejected, stage.status != "failed"))
    return worst[0].reason if worst else None


def _count(stages: dict[str, StageView], name: str, stage: str | None = None) -> int | None:
    found = [one.counts[name] for one in stages.values() if name in one.counts and stage in (None, one.stage)]
    return found[0] if found else None


def _progress(stage: StageView) -> StageProgress:
    ended = stage.finished_at and stage.started_at
    return StageProgress(
        stage=stage.stage,
        status=stage.status,
        attempts=stage.attempts,
        started_at=stage.started_at,
        finished_at=stage.finished_at,
        seconds=(stage.finished_at - stage.started_at).total_seconds()
        if ended and stage.finished_at and stage.started_at
        else None,
        cost_usd=usd(stage.cost_microusd),
        reason=stage.reason,
    )
