"""The need for a vector index: passages of one tenant, found by meaning and by words."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from shared.types.passage import Found, Passage
from shared.types.sparse import Sparse

Dense = tuple[float, ...]


class Point(Struct, frozen=True):
    """A passage with its two vectors. `dense` has unit length and the index's dimensions."""

    passage: Passage
    dense: Dense
    sparse: Sparse


class Query(Struct, frozen=True):
    """A search. Without `sparse` by meaning alone, without `dense` by words alone, with both the two
    ranked lists are fused; `dense_weight` lowers the part of meaning where the model does not know the language."""

    limit: int
    dense: Dense | None = None
    sparse: Sparse | None = None
    dense_weight: float = 1.0
    document_ids: tuple[str, ...] | None = None


class Vectors(Protocol):
    """One tenant's part of the index. It is made with its tenant, so no call can forget it.

    Every method raises `StoreUnavailable` when the index does not answer.
    """

    async def add(self, points: Sequence[Point]) -> None:
        """Adds points, durably when it returns; the same passage replaces itself."""
        ...

    async def find(self, query: Query) -> list[Found]:
        """Returns passages, best first; equal scores by document and position, never by arrival."""
        ...

    async def passages(self, passage_ids: Sequence[str]) -> list[Passage]:
        """Returns the passages of those ids that are in the index, in the order of the ids."""
        ...

    async def forget(self, document_id: str, up_to_generation: int) -> None:
        """Erases the document's passages of that generation and of those before it."""
        ...

    async def count(self, document_id: str | None = None) -> int: ...


class VectorIndex(Protocol):
    """The whole index; the only way to passages is through a tenant."""

    def of(self, tenant_id: str) -> Vectors: ...

    async def prepare(self) -> None:
        """Makes the collection, or checks that the one found is of our model and dimension."""
        ...

    async def compact(self, token: str) -> bool:
        """Begins to remove the text of erased passages from the index's files, as far as the backend lets us; True once
        that is done. Calls with the same token ask for the same compaction."""
        ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...
