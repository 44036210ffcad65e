"""The port of an embedding model."""

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

Purpose = Literal["passage", "question"]
"""What a text is embedded for: some models read a question with another prompt than what it searches."""


class Embedded(Struct, frozen=True):
    """Unit vectors in the order of the texts, and how many tokens the model read."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int


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
