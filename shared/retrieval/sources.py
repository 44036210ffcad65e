"""Found passages with their documents; passages of deleted documents are left out, even where the index holds them."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from shared.catalogue.catalogue import Catalogue
from shared.catalogue.classes import present_classes
from shared.catalogue.view import title_of
from shared.embedding.port import Embedding
from shared.embedding.sparse import SparseEncoder
from shared.graph.absent import AbsentGraph
from shared.graph.port import Graph
from shared.retrieval.retrieve import Mode, PassagePaths, retrieve
from shared.types.document import Classification
from shared.types.errors import StoreUnavailable
from shared.types.passage import Box, Found
from shared.types.provenance import Provenance
from shared.types.request_sources import add_sources
from shared.vectors.port import Vectors

_COUNTED = 8


class RetrievedSource(Struct, frozen=True):
    """A passage of a document that exists; `classification` is the document's. `via` are the names of the entities over
    which the graph reached it, `path` their ids."""

    found: Found
    title: str
    classification: Classification
    via: tuple[str, ...] = ()
    path: tuple[str, ...] = ()


class Sources(Struct, frozen=True):
    """The sources of a question, best first."""

    items: tuple[RetrievedSource, ...]
    embedded_tokens: int
    degraded: tuple[str, ...]


class SearchHit(Struct, frozen=True):
    """A found passage as the API returns it. `via` names the entities of the graph's path to it."""

    passage_id: str
    document_id: str
    title: str
    page: int | None
    box: Box | None
    text: str
    score: float
    via: tuple[str, ...] = ()


class Library(Struct, frozen=True):
    """Searches the passages of one tenant."""

    embedding: Embedding
    encoder: SparseEncoder
    vectors: Vectors
    catalogue: Catalogue
    graph: Graph

    async def sources(self, question: str, mode: Mode, limit: int, document_ids: tuple[str, ...] | None) -> Sources:
        """Finds up to `limit` sources. Raises `StoreUnavailable`."""
        wanted = limit
        while True:
            got = await retrieve(
                question, mode, wanted, document_ids, self.embedding, self.encoder, self.vectors, self._used_graph
            )
            items = await self._standing(got.found)
            if len(items) >= limit or len(got.found) < wanted or wanted >= 8 * limit:
                add_sources(item.found.passage.document_id for item in items[:limit])
                named = await self._named(items[:limit], got.paths)
                return Sources(tuple(named), got.embedded_tokens, got.degraded)
            wanted *= 2  # passages of deleted documents took places

    @property
    def _used_graph(self) -> Graph | None:
        return None if isinstance(self.graph, AbsentGraph) else self.graph

    async def _named(self, items: list[RetrievedSource], paths: PassagePaths) -> list[RetrievedSource]:
        """The sources with the names of the entities on their paths; without them where the graph does not answer."""
        wanted = [one for item in items for one in paths.get(item.found.passage.passage_id, ())]
        if not wanted:
            return items
        try:
            found = await self.graph.entities(list(dict.fromkeys(wanted)))
        except StoreUnavailable:
            return items
        names = {entity.entity_id: entity.name for entity in found}
        return [
            replace(item, via=tuple(names[one] for one in path if one in names), path=path) if path else item
            for item in items
            for path in (paths.get(item.found.passage.passage_id, ()),)
        ]

    async def lengths(self, document_ids: Sequence[str]) -> dict[str, int]:
        """The number of passages of each document, of at most eight; none where the index does not answer."""
        try:
            return {one: await self.vectors.count(one) for one in list(dict.fromkeys(document_ids))[:_COUNTED]}
        except StoreUnavailable:
            return {}

    async def present_classes(self, texts: Sequence[Provenance]) -> list[Classification | None]:
        """The class that each text has now; None for one that quotes a deleted document. Raises `StoreUnavailable`."""
        return await present_classes(self.catalogue, texts)

    async def _standing(self, found: tuple[Found, ...]) -> list[RetrievedSource]:
        ids = list(dict.fromkeys(one.passage.document_id for one in found))
        entries = {entry.record.document_id: entry for entry in await self.catalogue.entries(ids) if entry}
        return [
            RetrievedSource(one, title_of(entry), entry.record.classification)
            for one in found
            if (entry := entries.get(one.passage.document_id)) and entry.record.generation == one.passage.generation
        ]


def search_hit(source: RetrievedSource) -> SearchHit:
    passage = source.found.passage
    return SearchHit(
        passage_id=passage.passage_id,
        document_id=passage.document_id,
        title=source.title,
        page=passage.page,
        box=passage.box,
        text=passage.text,
        score=round(source.found.score, 6),
        via=source.via,
    )


def paths_of(sources: Sequence[RetrievedSource]) -> list[tuple[str, tuple[str, ...]]]:
    """The ids of the entities on the graph's paths, by passage, for the usage record."""
    return [(source.found.passage.passage_id, source.path) for source in sources if source.path]
