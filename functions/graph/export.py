"""Exports the tenant's graph as JSON lines, which `POST /graph/import` merges into another."""

import asyncio
from collections.abc import AsyncIterator

from msgspec import Struct

from functions.graph.lines import MEDIA_TYPE, encode_lines
from shared.graph.port import Graph, Merge, PassageGraph
from shared.types.http import Content


class ExportGraph(Struct, frozen=True):
    pass


_Part = list[PassageGraph] | list[Merge]


async def handle(request: ExportGraph, graph: Graph) -> Content:
    parts = graph.export()
    first: _Part = await anext(parts, [])  # before the status is sent: it shows a store that is away
    return Content(_lines(first, parts), MEDIA_TYPE, "graph.jsonl")


async def _lines(first: _Part, rest: AsyncIterator[_Part]) -> AsyncIterator[bytes]:
    part: _Part = first
    while part:
        yield await asyncio.to_thread(encode_lines, part)
        part = await anext(rest, [])
