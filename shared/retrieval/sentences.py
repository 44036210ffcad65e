"""The sentences of a passage, whose vectors show over which of them a question leads on to another entity."""

from msgspec import Struct

from shared.language.sentences import sentence_spans
from shared.retrieval.texts import embedded_text
from shared.types.passage import Passage

MOST = 64
"""Sentences of a passage; the rows of a long table are more."""


class PassageSentences(Struct, frozen=True, array_like=True):
    """The vectors of a passage's sentences as signed bytes, in the order of `passage_spans`."""

    passage_id: str
    vectors: tuple[bytes, ...]


def passage_spans(passage: Passage) -> list[tuple[int, int]]:
    """The places in `embedded_text` of the passage's context, which may be empty, and of its sentences."""
    text = embedded_text(passage)
    begin = len(text) - len(passage.text)
    spans = sentence_spans(text, begin, len(text))
    return [(0, max(begin - 1, 0)), *(span for span, _ in zip(spans, range(MOST), strict=False))]
