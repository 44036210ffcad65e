"""A quote from a passage that an answer rests on."""

from msgspec import Struct

from shared.types.passage import Box


class Citation(Struct, frozen=True):
    """`[index]` in the answer refers to it; `quote` stands literally in its passage. `page` counts from 1."""

    index: int
    passage_id: str
    document_id: str
    title: str
    page: int | None
    box: Box | None
    quote: str
    score: float
