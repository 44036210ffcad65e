"""The piece of a document that can be found, quoted and cited."""

from collections.abc import Iterable

from msgspec import Struct, field

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the page, from its top left."""


def around(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds them all; there is at least one."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


class Passage(Struct, frozen=True):
    """A run of a document's text, in reading order.

    `text` is what is quoted and shown; `context` (title and headings) is embedded with it but never quoted.
    """

    passage_id: str
    document_id: str
    generation: int = field(name="epoch")
    position: int
    text: str
    context: str = ""
    language: str = "en"
    tokens: int = 0
    page: int | None = None
    box: Box | None = None


class Found(Struct, frozen=True):
    """A passage with the score of the search that found it (higher is better)."""

    passage: Passage
    score: float
