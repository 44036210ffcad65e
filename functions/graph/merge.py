"""Merges an exported graph into the tenant's: what is there stays, the same lines again change nothing.

The whole file is checked before anything is written. What is written is recorded first, so that a rebuilt graph has it;
lines of documents that the tenant deleted are left out.
"""

import asyncio
from collections.abc import Iterator
from typing import ClassVar

from msgspec import Struct

from functions.graph.lines import MEDIA_TYPES, GraphPart, read_parts
from shared.graph.port import Graph
from shared.records.records import TenantRecords
from shared.types.errors import DiskFull
from shared.types.http import SpooledBody


class ImportGraph(SpooledBody, frozen=True):
    media_types: ClassVar[tuple[str, ...]] = MEDIA_TYPES


class ImportedGraph(Struct, frozen=True):
    """`skipped` counts lines of documents that were deleted."""

    passages: int
    merges: int
    skipped: int


ERRORS = (DiskFull,)


async def handle(request: ImportGraph, graph: Graph, records: TenantRecords) -> ImportedGraph:
    await asyncio.to_thread(_check, request)
    parts = read_parts(request.path)
    passages = merges = skipped = 0
    while part := await asyncio.to_thread(_next, parts):
        if await _write(part, graph, records):
            passages += len(part.graph.passages)
            merges += len(part.graph.merges)
        else:
            skipped += part.lines
    return ImportedGraph(passages, merges, skipped)


async def _write(part: GraphPart, graph: Graph, records: TenantRecords) -> bool:
    """False where the document is deleted; what was written while that happened is erased again."""
    if not part.document_id:
        await records.write_graph("", 0, part.graph)
        await graph.merge(part.graph.merges)
        return True
    of = part.document_id, part.generation
    if await records.is_deleted(*of):
        return False
    await records.write_graph(*of, part.graph)
    await graph.put(part.graph.passages)
    await graph.merge(part.graph.merges)
    if await records.is_deleted(*of):
        await graph.forget(*of)
        await records.erase(*of)
        return False
    return True


def _check(request: ImportGraph) -> None:
    """Raises `InvalidRequest`."""
    for _ in read_parts(request.path):
        pass


def _next(parts: Iterator[GraphPart]) -> GraphPart | None:
    return next(parts, None)
