"""Short forms that a text writes out: "World Health Organization (WHO)" and "WHO (World Health Organization)"."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from shared.language.entities import EntitySpan

_OPENING = re.compile(r"[ \u00a0]\(['\"“„‘]?$")
_CLOSING = re.compile(r"['\"”“’]?[,;)]")
_WORDS = re.compile(r"[^\W_]+")
_SHORT = re.compile(r"(?=(?:[^A-ZÄÖÜ]*[A-ZÄÖÜ]){2})[^\W_](?:[^\W_]|[&.-]){1,9}$")


def short_forms(text: str, spans: Sequence[EntitySpan]) -> Iterator[tuple[str, str]]:
    """Yields the long and the short form of each name that the text gives a short form, in order."""
    for first, second in pairwise(sorted(spans, key=lambda span: span.start)):
        if not (_OPENING.fullmatch(text[first.end : second.start]) and _CLOSING.match(text, second.end)):
            continue
        for long, short in ((first.name, second.name), (second.name, first.name)):
            if is_short_for(short, long):
                yield long, short
                break


def is_short_for(short: str, long: str) -> bool:
    """Whether the letters of the short form are the initials of the long one, small words counted or not."""
    if not _SHORT.match(short):
        return False
    letters = "".join(_WORDS.findall(short)).casefold()
    words = _WORDS.findall(long)
    return letters in (_initials(words), _initials(word for word in words if word[0].isupper()))


def _initials(words: Iterable[str]) -> str:
    return "".join(word[0] for word in words).casefold()
