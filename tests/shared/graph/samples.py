"""Passages with entities, for the tests of the graph."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from shared.graph.port import Graph, GraphIndex, Mention, Merge, PassageGraph, Sentence, StatedRelation
from shared.types.errors import StoreUnavailable


def passage(
    document: str,
    position: int,
    names: Sequence[str],
    *,
    generation: int = 1,
    statements: Sequence[StatedRelation] = (),
    recorded_at: str = "2026-01-01T00:00:00Z",
) -> PassageGraph:
    """A passage with one sentence, which names all of them."""
    return PassageGraph(
        f"psg_{document}_{generation}_{position}",
        document,
        generation,
        position,
        tuple(Mention(name) for name in names),
        (Sentence(0, 10, tuple(range(len(names))), bytes([position % 256])),) if names else (),
        tuple(statements),
        recorded_at,
    )


async def ids(graph: Graph, *names: str) -> list[str]:
    found = await graph.find(names)
    return [found[name] for name in names]


async def contents(graph: Graph) -> list[PassageGraph | Merge]:
    return [one async for part in graph.export() for one in part]


async def prepared(index: GraphIndex) -> None:
    """A new server takes long for its first calls where other work goes on."""
    async with asyncio.timeout(240):
        while True:
            with suppress(StoreUnavailable):
                return await index.prepare()
