"""Splits text into sentences: after a stop that belongs to no abbreviation and no ordinal, in English and German."""

import re
from collections.abc import Iterator

from shared.language.wordlists import read_words

_STOP = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’»)\]]*+(?=\s)|[。！？]++[」』”）]*+")
_OPENING = re.compile(r"[\"'“‘„«»(\[¿¡*_]*")
_TAIL = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)*|\d+)\.$")

_ABBREVIATIONS = read_words("shared.language", "abbreviations")
_NUMBERED = read_words("shared.language", "numbered")
_CLOSING = read_words("shared.language", "closing")
"""Abbreviations that may also end a sentence: they do when a capital follows that no name explains."""

_LONGEST_ABBREVIATION = 24

_MONTHS = "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember"
_COUNTED = (
    "Jahrhundert|Klasse|Etage|Stock|Minute|Stunde|Tag|Woche|Monat|Jahr|Runde|Platz|Kapitel|Auflage|Lebensjahr|Spieltag"
    "|Mal|Geburtstag|Kilometer|Semester|Quartal|Etappe|Obergeschoss|Lebensmonat|Schwangerschaftswoche"
)
_ORDINAL_FOLLOWED = re.compile(rf"\s+(?:{_MONTHS}|(?:{_COUNTED})(?:s|es|en|n)?)\b")
_OPENER = re.compile(
    r"\s+(?:The|A|An|It|Its|He|She|They|This|That|These|Those|In|On|At|If|When|We|You|There|Der|Die|Das|Es|Er|Sie|Wir)\b"
)
"""Words that follow a lone capital only where a sentence begins ("building C. The porter")."""


def sentence_spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yields start and end of each sentence of `text[start:end]`, without the white space between them."""
    begin = start
    for stop in _STOP.finditer(text, start, end):
        following = stop.end()
        while following < end and text[following].isspace():
            following += 1
        if _ends_sentence(text, start, stop, following, end):
            yield begin, stop.end()
            begin = following
    if begin < end:
        yield begin, end


def _ends_sentence(text: str, start: int, stop: re.Match[str], following: int, end: int) -> bool:
    if following == end:
        return True
    opening = _OPENING.match(text, following, end)
    first = opening.end() if opening else following
    if text[first : first + 1].islower():
        return False
    if stop.group() != ".":
        return True
    before = text[max(start, stop.start() - _LONGEST_ABBREVIATION) : stop.start() + 1]
    return not _is_abbreviation(before, text[stop.end() : stop.end() + _LONGEST_ABBREVIATION])


def _is_abbreviation(before: str, after: str) -> bool:
    tail = _TAIL.search(before)
    if not tail:
        return False
    word = tail.group(1)
    if word.isdigit():
        return len(word) <= 2 and _ORDINAL_FOLLOWED.match(after) is not None
    if len(word) == 1:
        return word.isupper() and word != "I" and not _OPENER.match(after)
    if word.lower() not in _ABBREVIATIONS:
        return False
    if word.lower() in _NUMBERED:
        return after.lstrip()[:1].isdigit()
    return word.lower() not in _CLOSING or not after.lstrip()[:1].isupper()
