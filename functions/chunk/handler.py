"""Splits a parsed document into passages along its structure."""

from hashlib import sha256

import msgspec
from msgspec import Struct

from events.document import DocumentChunked, DocumentParsed, Origin
from functions.chunk.splitter import STAGE_VERSION as SPLITTER
from functions.chunk.splitter import ChunkDraft, split
from functions.chunk.tokens import TokenCounter
from shared.language.detect import detect
from shared.parsing.document import ParsedDocument
from shared.processes.cpu_threads import run_long
from shared.records.records import TenantRecords
from shared.stages.stages import StageWork
from shared.types.errors import Rejected
from shared.types.passage import Passage

STAGE_VERSION = SPLITTER

_COUNTER = TokenCounter()


class ChunkSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`max_tokens` is the greatest length of a passage, as the embedding model counts."""

    max_tokens: int = 220


async def handle(
    event: DocumentParsed, work: StageWork, records: TenantRecords, settings: ChunkSettings
) -> DocumentChunked:
    parsed = await work.read(event.parsed)
    record = await records.generation(event.origin.document_id, event.origin.generation)
    title = (record.title if record else "") or event.title
    passages = await run_long(event.origin.tenant_id, _passages, parsed, event.origin, title, settings)
    if not passages:
        raise Rejected("empty", "There is no text in the document.")
    blob = await work.write("passages", msgspec.json.encode(passages))
    return DocumentChunked(origin=event.origin, key=work.key, passages=blob, count=len(passages))


def _passages(parsed: bytes, origin: Origin, title: str, settings: ChunkSettings) -> list[Passage]:
    pieces = split(
        msgspec.json.decode(parsed, type=ParsedDocument),
        title=title,
        count_tokens=_COUNTER,
        max_tokens=settings.max_tokens,
        detect_language=detect,
    )
    return [_passage(origin, position, piece) for position, piece in enumerate(pieces)]


def _passage(origin: Origin, position: int, piece: ChunkDraft) -> Passage:
    # Equal for an equal cut of the same generation, so that a repeated stage replaces its passages.
    identity = f"{origin.tenant_id}\n{origin.document_id}\n{origin.generation}\n{position}\n{piece.text}"
    return Passage(
        passage_id="psg_" + sha256(identity.encode()).hexdigest()[:32],
        document_id=origin.document_id,
        generation=origin.generation,
        position=position,
        text=piece.text,
        context=piece.context,
        language=piece.language,
        tokens=piece.tokens,
        page=piece.page,
        box=piece.box,
    )
