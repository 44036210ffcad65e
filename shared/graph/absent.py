"""The graph of a cluster that has none: nothing is found in it, and nothing is written.

What would be written is in the records; `aegis rebuild --only graph` writes it once there is a graph.
"""

from collections.abc import AsyncIterator, Sequence

from shared.graph.port import (
    Graph,
    GraphEntity,
    GraphIndex,
    GraphRelation,
    Merge,
    Neighbourhood,
    PassageGraph,
    Size,
)
from shared.types.errors import StoreUnavailable


class AbsentGraph(GraphIndex, Graph):
    def of(self, tenant_id: str) -> Graph:
        return self

    async def prepare(self) -> None:
        pass

    async def forget_tenant(self, tenant_id: str) -> None:
        pass

    async def compact(self, token: str) -> bool:
        return True

    async def ping(self) -> None:
        raise StoreUnavailable("graph", "AEGIS_NEO4J_URI is not set")

    async def close(self) -> None:
        pass

    async def put(self, passages: Sequence[PassageGraph]) -> None:
        pass

    async def forget(self, document_id: str, up_to_generation: int) -> None:
        pass

    async def merge(self, merges: Sequence[Merge]) -> None:
        pass

    async def split(self, merge: Merge) -> None:
        pass

    async def find(self, names: Sequence[str]) -> dict[str, str]:
        return {}

    async def neighbourhood(
        self,
        entity_ids: Sequence[str],
        passage_ids: Sequence[str] = (),
        *,
        passages_per_entity: int,
        with_sentences: bool = False,
    ) -> Neighbourhood:
        return Neighbourhood((), {})

    async def entities(self, entity_ids: Sequence[str]) -> list[GraphEntity]:
        return []

    async def list_entities(self, query: str, limit: int, after: tuple[str, str] | None = None) -> list[GraphEntity]:
        return []

    async def relations(
        self, entity_ids: Sequence[str], *, relations_per_entity: int, as_of: str | None = None
    ) -> list[GraphRelation]:
        return []

    async def size(self) -> Size:
        return Size(0, 0, 0)

    async def count_entities(self, document_id: str) -> int:
        return 0

    async def export(self) -> AsyncIterator[list[PassageGraph] | list[Merge]]:
        nothing: tuple[list[PassageGraph], ...] = ()
        for part in nothing:
            yield part
