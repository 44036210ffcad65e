"""The port of an embedding model."""

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

Purpose = Literal["passage", "question"]
"""What a text is embedded for: some models read a question with another prompt than what it searches."""


class Embedded(Struct, frozen=True):
    """Unit vectors in the order of the texts, and how many tokens the model read."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int


Spans = Sequence[tuple[int, int]]
"""The starts and ends of parts of a text."""


class EmbeddedParts(Struct, frozen=True):
    """The vectors of texts, and for each text those of its parts: as signed bytes, 127 for 1; empty where the model
    read nothing of a part."""

    whole: Embedded
    parts: tuple[tuple[bytes, ...], ...]


class Embedding(Protocol):
    """An embedding model. `name` is recorded with every index made from it."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def languages(self) -> frozenset[str]:
        """Languages (ISO 639-1) that the model knows; for others, words weigh more than its vectors."""
        ...

    async def windows(self, texts: Sequence[str]) -> list[list[str]]:
        """Each text in pieces that the model reads to their ends, at least one."""
        ...

    async def embed(self, texts: Sequence[str], purpose: Purpose = "passage") -> Embedded: ...


@runtime_checkable
class PartEmbedding(Protocol):
    """A model that gives the vectors of a text's parts from its one reading of the whole text."""

    async def embed_parts(self, texts: Sequence[str], spans: Sequence[Spans]) -> EmbeddedParts: ...
