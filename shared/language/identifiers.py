"""Names of programs as they are written in code: the same words in camelCase, with underscores, or as one word."""

import re
from collections.abc import Iterator

_IDENTIFIER = re.compile(r"\b(?:[^\W_]+(?:_[^\W_]+)+|[^\W\d_]*[a-z][A-Z][^\W_]*|[A-Z]{2,}[a-z][^\W_]*)\b")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-zäöüß]+|\d+|[^\W\d_]+")
_LONGEST = 100


def identifiers(text: str) -> Iterator[tuple[str, ...]]:
    """Yields the words of each identifier, in lower case."""
    for found in _IDENTIFIER.finditer(text):
        if len(found[0]) <= _LONGEST:
            yield tuple(part.lower() for part in _PART.findall(found[0]))


def with_other_forms(text: str) -> str:
    """The text and, behind it, every identifier as single words, as one word and with underscores."""
    forms = [form for parts in identifiers(text) for form in (" ".join(parts), "".join(parts), "_".join(parts))]
    return " ".join([text, *forms])
