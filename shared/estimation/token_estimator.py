"""Estimates the tokens of a text by its letters, without a model."""

import re

from shared.language.detect import DEFAULT, detect

_PIECE = re.compile(
    r"(?P<latin>[A-Za-z\u00c0-\u024f]+)"
    r"|(?P<digits>\d+)"
    r"|(?P<korean>[\uac00-\ud7a3])"
    r"|(?P<ideograph>[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff])"
    r"|(?P<indic>[\u0900-\u0dff]+)"
    r"|(?P<unspaced>[\u0e00-\u0eff\u1780-\u17ff]+)"
    r"|(?P<foreign>[^\W\d_]+)"
    r"|(?P<mark>[^\w\s]|_)"
)

_WHOLE, _PIECE_LETTERS = 7, 3.6
_STRANGE_WHOLE, _STRANGE_PIECE_LETTERS = 3, 2.7
"""How long a Latin word is that is one token, and how many letters more make another one: where the model knows the
language, and where it does not."""

_ENGLISH = {"korean": 2.4, "ideograph": 1.0, "indic": 0.6, "unspaced": 0.1, "foreign": 1.0, "mark": 1.0}
"""Tokens a letter. The built-in model reads foreign letters one by one, syllables of Korean by their parts, and what it
has no letters for as one token a word."""

_MANIFOLD = {"korean": 0.6, "ideograph": 0.75, "indic": 0.35, "unspaced": 0.35, "foreign": 0.35, "mark": 0.8}
"""The same of models that were made for many languages."""

SAMPLE = 24 * 1024
"""Letters that are looked at; of a longer text it is some windows."""

_WINDOWS = 12
_DENSITY = 0.25
_LANGUAGE_LETTERS = 3000


class TokenEstimator:
    """Estimates the tokens of one document's texts, by its language. `many_languages` says that the model is
    multilingual."""

    def __init__(self, text: str, *, many_languages: bool = False) -> None:
        self._many = many_languages
        english = many_languages or detect(text[:_LANGUAGE_LETTERS]) == DEFAULT
        self._whole, self._piece = (_WHOLE, _PIECE_LETTERS) if english else (_STRANGE_WHOLE, _STRANGE_PIECE_LETTERS)
        self._shares = _MANIFOLD if many_languages else _ENGLISH
        self._is_short = len(text) <= SAMPLE
        step, width = max(1, len(text) // _WINDOWS), SAMPLE // _WINDOWS
        windows = (text[start : start + width] for start in range(0, len(text) - width, step))
        sample = text if self._is_short else "".join(windows)
        self._density = self._count(sample) / len(sample) if sample.strip() else _DENSITY

    def tokens(self, text: str) -> float:
        """Estimates a part of the document; in a long document by its average tokens per letter."""
        return self._count(text) if self._is_short else self._density * len(text)

    def of_letters(self, letters: int) -> float:
        return self._density * letters

    def _count(self, text: str) -> float:
        return sum(self._weight(found.lastgroup or "", len(found[0])) for found in _PIECE.finditer(text))

    def _weight(self, kind: str, letters: int) -> float:
        if kind == "latin":
            return 1.0 + max(0, letters - self._whole) / self._piece
        if kind == "digits":
            return max(1.0, letters / 2.5)
        return self._shares[kind] * letters
