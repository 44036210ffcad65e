"""Text as a bag of words for BM25: stems as token ids, encoded here in the same way for every backend.

The engine multiplies in each word's rarity (IDF) among the tenant's passages when it searches.
"""

import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.types.sparse import Sparse
from shared.types.text import replace_surrogates

if TYPE_CHECKING:
    from qdrant_edge import Bm25

_K, _B = 1.2, 0.75
_LONG = 24
"""Words from which a question is a text: there a repeated word is its subject, in a sentence it is grammar."""

_COUNTING = 1e6
"""With a saturation this far away and no length norm, BM25's weight of a word is how often it occurs."""

_NAMES = {
    "ar": "arabic",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "fi": "finnish",
    "fr": "french",
    "hu": "hungarian",
    "it": "italian",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sv": "swedish",
    "tr": "turkish",
}
"""Languages with a Snowball stemmer and stop words; of others every word counts, as it is written."""

_WITHOUT_SPACES = frozenset({"ja", "zh"})

_AVERAGE_WORDS = 150.0
_AVERAGE_SHARES = {"ar": 0.8, "de": 0.9, "fi": 0.7, "hu": 0.8, "ru": 0.8, "tr": 0.7}
"""Words of such languages for one English word."""


def average_length(language: str) -> float:
    """The usual number of words of a passage, without stop words: constant, so that uploads do not change weights."""
    return _AVERAGE_WORDS * _AVERAGE_SHARES.get(language, 1.0)


def settings() -> dict[str, Any]:
    """Everything that an encoded passage depends on besides its text and language: part of a stage's key."""
    return {
        "encoder": "qdrant-bm25",
        "folding": "NFKC",
        "k": _K,
        "b": _B,
        "average_words": _AVERAGE_WORDS,
        "average_shares": _AVERAGE_SHARES,
        "stemmers": sorted(_NAMES),
    }


class SparseEncoder:
    """Encodes texts for BM25. Safe to share; a language's stemmer is created at its first use, within 1 ms."""

    def passage(self, text: str, language: str) -> Sparse:
        vector = _models(language).passage.embed_document(_folded(text))
        return Sparse(tuple(vector.indices), tuple(vector.values))

    def question(self, text: str, *languages: str) -> Sparse:
        """Encodes a question, stemmed in each language that it may be in."""
        weights: dict[int, float] = {}
        for language in languages:
            vector = _models(language).counts.embed_document(_folded(text))
            counts = dict(zip(vector.indices, map(round, vector.values), strict=True))
            for token, count in counts.items():
                weight = 1.0 if len(counts) < _LONG else float(count)
                weights[token] = max(weight, weights.get(token, 0.0))
        tokens = sorted(weights)
        return Sparse(tuple(tokens), tuple(weights[token] for token in tokens))


def _folded(text: str) -> str:
    """Compatibility letters as plain ones, in passages and questions alike: a ligature that was copied out of a PDF."""
    return unicodedata.normalize("NFKC", replace_surrogates(text))


class _Models(NamedTuple):
    passage: "Bm25"
    counts: "Bm25"


@cache
def _models(language: str) -> _Models:
    from qdrant_edge import Bm25, Bm25Config

    def model(k: float, b: float) -> Bm25:
        return Bm25(Bm25Config(k=k, b=b, avg_len=average_length(language), **_reading(language)))

    return _Models(passage=model(_K, _B), counts=model(_COUNTING, 0.0))


def _reading(language: str) -> Mapping[str, Any]:
    """The tokenizer: stemmed and without stop words where the language is known, else as it is written."""
    from qdrant_edge import DisabledStemmer, StopwordsSet, TokenizerType

    if language in _NAMES:
        return {"language": _NAMES[language]}
    tokenizer = TokenizerType.Multilingual if language in _WITHOUT_SPACES else TokenizerType.Word
    return {"tokenizer": tokenizer, "stopwords": StopwordsSet(set(), set()), "stemmer": DisabledStemmer()}
