"""The need for a graph: which passages of a tenant name which entities, and how entities relate.

Everything in it is counted by provenance: an entity exists as long as a passage names it, a relation as long as a
passage states it, so that deleting a document is work of the graph alone.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

GENERIC = "other"
"""The type of an entity of which no more is known; any other type wins over it."""


ALIAS = "alias"
"""The reason of a merge with a short form."""

APART = "apart"
"""The reason of a merge that is the opposite of one: the two names are not merged, whoever says so."""


class Mention(Struct, frozen=True, array_like=True):
    """An entity that a passage names, as it is written there, and how often."""

    name: str
    type: str = GENERIC
    count: int = 1


class Sentence(Struct, frozen=True, array_like=True):
    """A sentence that names entities. `start` and `end` are positions in the passage's text, `mentions` indexes into
    the passage's mentions, `vector` the sentence's embedding as signed bytes (`b""` where there is none)."""

    start: int
    end: int
    mentions: tuple[int, ...]
    vector: bytes = b""


class StatedRelation(Struct, frozen=True, array_like=True):
    """A relation that a passage states. `source` and `target` are indexes into the passage's mentions; the relation
    holds from `valid_from` to before `valid_to` (RFC 3339 dates or times), None where that side is open."""

    source: int
    type: str
    target: int
    weight: float = 1.0
    valid_from: str | None = None
    valid_to: str | None = None


class PassageGraph(Struct, frozen=True):
    """What one passage adds to the graph. `recorded_at` is when its document was taken in."""

    passage_id: str
    document_id: str
    generation: int = field(name="epoch")
    position: int
    mentions: tuple[Mention, ...] = ()
    sentences: tuple[Sentence, ...] = ()
    statements: tuple[StatedRelation, ...] = ()
    recorded_at: str = ""


class Merge(Struct, frozen=True):
    """Two names that stand for one entity. With a document it lasts as long as that document; `reason` says who found
    it: `alias` a document that writes `other` as the short form of `name`; `similar`, `model`, `manual`. A short form
    that documents give to different names is short for none of them. `apart` makes all merges of the pair void."""

    name: str
    other: str
    reason: str = ALIAS
    document_id: str = ""
    generation: int = field(name="epoch", default=0)
    recorded_at: str = ""


class DocumentGraph(Struct, frozen=True):
    """What is recorded of a document's part of the graph, or of a part of it, so that the graph can be made anew."""

    passages: tuple[PassageGraph, ...] = ()
    merges: tuple[Merge, ...] = ()


class GraphEntity(Struct, frozen=True):
    """An entity under the name that is written most. `passages` counts those that name it; `created_at` is when the
    newest of its names was first recorded."""

    entity_id: str
    name: str
    type: str
    aliases: tuple[str, ...]
    mentions: int
    passages: int
    documents: int
    created_at: str


class GraphRelation(Struct, frozen=True):
    """A relation between two entities. `weight` is the sum over the passages that state it, `recorded_at` when the
    first of them was recorded."""

    relation_id: str
    source_id: str
    type: str
    target_id: str
    weight: float
    valid_from: str | None
    valid_to: str | None
    recorded_at: str
    passages: tuple[str, ...]


class NamedSentence(Struct, frozen=True):
    """A sentence with the ids of the entities that it names."""

    start: int
    end: int
    entities: tuple[str, ...]
    vector: bytes


class LinkedPassage(Struct, frozen=True):
    """A passage with the entities that it names, by id, and how often; `sentences` is empty unless asked for."""

    passage_id: str
    document_id: str
    position: int
    entities: tuple[tuple[str, int], ...]
    sentences: tuple[NamedSentence, ...] = ()


class Neighbourhood(Struct, frozen=True):
    """Passages, in the order of document and position, and for each entity that they name how many passages of the
    whole tenant do."""

    passages: tuple[LinkedPassage, ...]
    frequencies: Mapping[str, int]


class Size(Struct, frozen=True):
    """How much there is of a tenant."""

    passages: int
    entities: int
    relations: int


class Graph(Protocol):
    """One tenant's graph. It is made with its tenant, so no call can forget it.

    An entity's id comes from the tenant and the name's normal form (`shared.graph.names`), so that every order of
    writing, in every backend, ends in the same graph. Every method raises `StoreUnavailable` when the store does not
    answer. Results are in a fixed order, which neither the backend nor the order of writing changes.
    """

    async def put(self, passages: Sequence[PassageGraph]) -> None:
        """Writes what passages name and state, durably when it returns; the same passage replaces itself."""
        ...

    async def forget(self, document_id: str, up_to_generation: int) -> None:
        """Erases the document's passages and merges of that generation and of those before it, and what no other
        passage names."""
        ...

    async def merge(self, merges: Sequence[Merge]) -> None:
        """Records that names stand for one entity. Calls may come in any order, also before an entity exists."""
        ...

    async def split(self, merge: Merge) -> None:
        """Takes a merge back, whatever its reason and its documents: both entities are as they were without it."""
        ...

    async def find(self, names: Sequence[str]) -> dict[str, str]:
        """Returns the ids of the entities of those names that are known, by the name as it was given."""
        ...

    async def neighbourhood(
        self,
        entity_ids: Sequence[str],
        passage_ids: Sequence[str] = (),
        *,
        passages_per_entity: int,
        with_sentences: bool = False,
    ) -> Neighbourhood:
        """Returns the passages that name the entities, and the given ones. Of an entity that more passages name than
        that, a fixed sample; the work does not grow with the tenant."""
        ...

    async def entities(self, entity_ids: Sequence[str]) -> list[GraphEntity]:
        """Returns the entities that exist, in the order of the ids; the id of a merged name gives the whole entity."""
        ...

    async def list_entities(self, query: str, limit: int, after: tuple[str, str] | None = None) -> list[GraphEntity]:
        """Returns entities with a name that holds the query, newest first, after that time and id."""
        ...

    async def relations(
        self, entity_ids: Sequence[str], *, relations_per_entity: int, as_of: str | None = None
    ) -> list[GraphRelation]:
        """Returns relations from or to the entities, the heaviest of each entity; with `as_of` those valid then."""
        ...

    async def size(self) -> Size: ...

    async def count_entities(self, document_id: str) -> int:
        """Returns how many entities the document's passages name."""
        ...

    def export(self) -> AsyncIterator[list[PassageGraph] | list[Merge]]:
        """Yields what was written, in parts: passages in the order of document and position, then merges. Written to
        an empty graph it gives the same one."""
        ...


class GraphIndex(Protocol):
    """The graphs of all tenants; the only way to one is through its tenant."""

    def of(self, tenant_id: str) -> Graph: ...

    async def prepare(self) -> None:
        """Makes what the store needs (folder, constraints); safe to repeat."""
        ...

    async def forget_tenant(self, tenant_id: str) -> None:
        """Erases everything of the tenant."""
        ...

    async def compact(self, token: str) -> bool:
        """Removes erased text from the store's files, as far as the backend lets us; True once that is done."""
        ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...
