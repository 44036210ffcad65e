"""Tells what a document would become and cost, and runs nothing."""

import asyncio
from typing import Annotated, Literal

from msgspec import Meta, Struct

from shared.formats.filename import safe_filename
from shared.formats.router import FormatRouter, Routed
from shared.ledger.records import Reason
from shared.parsing.document import Look
from shared.parsing.workers import ParserPool
from shared.runtime.errors import EmptyFile, Rejected, UnsupportedFormat
from shared.runtime.table import Table
from shared.types.document import Classification
from shared.types.http import SpooledFile
from shared.types.money import Dollars

LETTERS_A_TOKEN = 4
TOKENS_A_PICTURE = 400
"""Of a page that only OCR can read: about half of what stands on a full one."""

MOST_READ = 2 << 20
"""Bytes of a file without pages that is read for its estimate; a larger one is judged by its size."""

_BYTES_A_LETTER = {"light": 1.0, "docling": 12.0, "legacy": 4.0}


class Estimate(Struct, frozen=True):
    """A form, as for `/upload`."""

    file: SpooledFile
    title: Annotated[str, Meta(max_length=500)] | None = None
    classification: Classification | None = None
    max_cost_usd: Dollars | None = None


class Cost(Struct, frozen=True):
    low: float = 0.0
    high: float = 0.0


class StageCost(Struct, frozen=True):
    stage: str
    location: Literal["local", "cloud"]
    cost_usd: Cost


class Estimated(Struct, frozen=True):
    """`reason` says why a document would be rejected. `pages` is 0 where the format has none."""

    would: Literal["accept", "reject"]
    reason: Reason | None
    route: str | None
    pages: int
    tokens: int
    cost_usd: Cost
    stages: list[StageCost]


async def handle(request: Estimate, router: FormatRouter, parsers: ParserPool, table: Table) -> Estimated:
    file = request.file
    try:
        routed = router.route(safe_filename(file.filename), file.media_type, file.head, file.size, file.path)
    except (UnsupportedFormat, EmptyFile) as refused:
        code = "empty" if isinstance(refused, EmptyFile) else refused.slug
        return _rejected(Reason(code, refused.detail), None)
    try:
        seen = await _look(routed, file, parsers)
    except Rejected as rejected:
        return _rejected(Reason(rejected.code, rejected.detail), routed.route)
    tokens = seen.letters // LETTERS_A_TOKEN + seen.drawn * TOKENS_A_PICTURE
    stages = [StageCost(stage, "local", Cost()) for stage in table.stages(routed.route)]
    return Estimated("accept", None, routed.route, seen.pages, max(tokens, 1), Cost(), stages)


def _rejected(reason: Reason, route: str | None) -> Estimated:
    return Estimated("reject", reason, route, 0, 0, Cost(), [])


async def _look(routed: Routed, file: SpooledFile, parsers: ParserPool) -> Look:
    """Raises Rejected for what a first look can see."""
    if routed.parser != "paged" and file.size > MOST_READ:
        return Look(0, int(file.size / _BYTES_A_LETTER.get(routed.parser, 4.0)))
    content = await asyncio.to_thread(file.path.read_bytes)
    if routed.parser == "paged":
        return await parsers.look(routed.media_type, content)
    document = await parsers.parse(routed.parser, routed.media_type, file.filename, content)
    return Look(document.pages, sum(len(block.text) for block in document.blocks))
