"""How well a sentence carries the answer to a question: measured by words, by meaning and by the kind of thing asked."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.answers.question import Term, meanings_of
from shared.answers.sentences import Kind, pieces
from shared.answers.stems import WORD, stem
from shared.types.passage import Found, Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_PRIOR = 30
"""Passages without a word that are imagined beside those found: found ones hold the question's words too often."""


class Words(Struct, frozen=True):
    """A text's words: stems in order, their meanings and where they stand."""

    stems: tuple[str, ...]
    known: frozenset[str]
    meanings: frozenset[int]
    spans: tuple[tuple[int, int], ...]
    each: tuple[frozenset[int], ...]


def words_of(text: str) -> Words:
    found = list(WORD.finditer(text))
    stems = tuple(stem(word.group()) for word in found)
    each = tuple(meanings_of(found))
    known = frozenset(stems) | {part for root in stems if "-" in root for part in root.split("-")}
    return Words(stems, known, frozenset().union(*each), tuple(word.span() for word in found), each)


class Candidate(Struct, frozen=True, eq=False):
    """A sentence that may answer. `text` is what is read for it, the head of its table included."""

    passage: Passage
    rank: int
    start: int
    end: int
    text: str
    words: Words
    around: Words

    @property
    def quote(self) -> str:
        return self.passage.text[self.start : self.end]


class Source(Struct, frozen=True, eq=False):
    """A found passage, read once: its words with those of its title and headings, and its sentences."""

    passage: Passage
    words: Words
    title: Words
    candidates: tuple[Candidate, ...]


def source_of(found: Found, rank: int) -> Source:
    passage = found.passage
    cut = [piece for piece in pieces(passage.text) if piece.kind is not Kind.HEADING]
    texts = [(piece.lead + " " + passage.text[piece.start : piece.end]).strip() for piece in cut]
    read = [words_of(text) for text in texts]
    candidates = tuple(
        Candidate(passage, rank, piece.start, piece.end, text, read[at], _together(read[max(0, at - 1) : at + 2]))
        for at, (piece, text) in enumerate(zip(cut, texts, strict=True))
    )
    return Source(passage, words_of(passage.context + "\n" + passage.text), words_of(passage.context), candidates)


def _together(parts: Sequence[Words]) -> Words:
    return Words(
        tuple(root for part in parts for root in part.stems),
        frozenset().union(*(part.known for part in parts)),
        frozenset().union(*(part.meanings for part in parts)),
        (),
        (),
    )


def rarity(sources: Sequence[Source], terms: Sequence[Term]) -> dict[str, float]:
    """Weight of each stem: rare among what was found weighs more."""
    count = Counter(term.stem for term in terms for source in sources if term.stem in source.words.known)
    total = len(sources) + _PRIOR
    return {term.stem: math.log(1 + (total - count[term.stem] + 0.5) / (count[term.stem] + 0.5)) for term in terms}


def likeness(term: Term, words: Words) -> float:
    """1 for the same word, less for one of the same meaning or nearly the same letters."""
    if term.stem in words.known:
        return 1.0
    if term.meanings & words.meanings:
        return 0.9
    if term.word[0].isdigit():
        return 0.0
    return max((_spelled_alike(term.stem, other) for other in words.known), default=0.0)


def _spelled_alike(one: str, other: str) -> float:
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < 4 or other[0].isdigit():
        return 0.0
    common = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        common += 1
    if common >= max(4, 0.6 * len(longer)):
        return 0.9
    return 0.8 if len(shorter) >= 5 and shorter in longer else 0.0
