"""Cuts a passage into the pieces that can be quoted: sentences, list items and table rows, with exact offsets."""

import re
from collections.abc import Iterator
from enum import Enum

from msgspec import Struct


class Kind(Enum):
    SENTENCE = "sentence"
    ROW = "row"
    HEADING = "heading"
    """A heading, a table's head or its rule: it says what follows is about and is no statement itself."""


class Piece(Struct, frozen=True):
    """`text[start:end]` of the passage it was cut from, without white space at either end. `lead` is what a reader
    takes from around it: the head of a row's table."""

    start: int
    end: int
    kind: Kind
    lead: str = ""


_LINE = re.compile(r"[^\n]*\n?")
_RULE = re.compile(r"\|?[ \t]*:?-{2,}:?[ \t]*(\|[ \t]*:?-{2,}:?[ \t]*)*\|?")
_HEADING = re.compile(r"#{1,6}[ \t]+\S")
_ITEM = re.compile(r"(?:[-*+•–·]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])[ \t]+(?=\S)")
_STOP = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？](?=\S)")
_OPENING = re.compile(r"[\"'“‘„«»(\[¿¡*_]*")
_TAIL = re.compile(r"([^\W\d_]+(?:\.[^\W\d_]+)*|\d+)\.$")

_ABBREVIATIONS = frozenset(
    ["mr", "mrs", "ms", "dr", "prof", "rev", "hon", "st", "sr", "jr", "gen", "col", "capt", "lt", "sgt", "messrs", "vs", "etc", "eg", "ie", "cf", "al", "ca", "approx", "est", "fig", "figs", "no", "nos", "vol", "vols", "pp", "pg", "p", "ch", "sec", "eq", "ed", "eds", "inc", "ltd", "co", "corp", "dept", "univ", "assn", "bros", "mt", "ft", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "tel", "ext", "max", "min", "avg", "resp", "incl", "excl", "bzw", "ggf", "evtl", "usw", "vgl", "nr", "abs", "art", "bd", "hr", "fr", "frl", "str", "zzgl", "inkl", "exkl", "geb", "gest", "sog", "ugs", "bspw", "mio", "mrd", "std", "ing", "dipl", "hrsg", "jh", "jhd", "tsd", "bes", "insb", "allg", "mind", "abt", "aufl", "e.g", "i.e", "a.m", "p.m", "u.s", "u.k", "u.n", "ph.d", "d.c", "z.b", "d.h", "u.a", "o.ä", "i.d.r", "u.u", "v.a", "s.o", "s.u", "z.t"]
)
_CLOSING = frozenset(["etc", "usw", "al", "inc", "ltd", "co", "corp", "a.m", "p.m", "u.s", "u.k", "d.c", "ph.d", "jr", "sr"])
"""Abbreviations that may also end a sentence: they do when a capital follows that no name explains."""

_MONTHS = (
    "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jahrhundert|Klasse|Etage|Stock"
)
_ORDINAL_FOLLOWED = re.compile(rf"\s+(?:{_MONTHS})\b")
_OPENER = re.compile(
    r"\s+(?:The|A|An|It|Its|He|She|They|This|That|These|Those|In|On|At|If|When|We|You|There|Der|Die|Das|Es|Er|Sie|Wir)\b"
)
"""Words that follow a lone capital only where a sentence begins ("building C. The porter")."""


def pieces(text: str) -> tuple[Piece, ...]:
    """Every character that is not white space lies in exactly one piece, in order."""
    return tuple(_pieces(text))


def _pieces(text: str) -> Iterator[Piece]:
    head = ""
    for block in _blocks(text):
        start, end = block
        line = text[start:end]
        if not _is_row(line):
            head = ""
            yield from _prose(text, start, end)
        elif _RULE.fullmatch(line):
            yield Piece(start, end, Kind.HEADING)
        elif not head:
            head = line
            yield Piece(start, end, Kind.HEADING if _rule_follows(text, end) else Kind.ROW)
        else:
            yield Piece(start, end, Kind.ROW, lead=head)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Runs of lines that belong together, trimmed: a wrapped paragraph is one, a heading, item or row is its own."""
    start = end = 0
    for line in _LINE.finditer(text):
        if not line.group():
            break
        stripped = line.group().strip()
        begin = line.start() + len(line.group()) - len(line.group().lstrip())
        if end > start and (not stripped or _stands_alone(stripped) or _stands_alone(text[start:end].lstrip())):
            if not (_ITEM.match(text[start:end]) and stripped and not _stands_alone(stripped)):
                yield start, end
                start = end = 0
        if stripped:
            start = begin if end == 0 else start
            end = begin + len(stripped)
    if end > start:
        yield start, end


def _stands_alone(line: str) -> bool:
    return bool(_is_row(line) or _HEADING.match(line) or _ITEM.match(line))


def _is_row(line: str) -> bool:
    return line.startswith("|") and line.count("|") >= 2 and "\n" not in line


def _rule_follows(text: str, end: int) -> bool:
    following = text[end:].lstrip().split("\n", 1)[0].strip()
    return bool(following) and _RULE.fullmatch(following) is not None


def _prose(text: str, start: int, end: int) -> Iterator[Piece]:
    if _HEADING.match(text, start, end):
        yield Piece(start, end, Kind.HEADING)
        return
    begin = start
    item = _ITEM.match(text, start, end)
    for stop in _STOP.finditer(text, item.end() if item else start, end):
        if _ends_sentence(text, begin, stop, end):
            yield Piece(begin, stop.end(), Kind.SENTENCE)
            begin = stop.end() + len(text[stop.end() : end]) - len(text[stop.end() : end].lstrip())
    if begin < end:
        yield Piece(begin, end, _last_kind(text, begin, start, end))


def _last_kind(text: str, begin: int, start: int, end: int) -> Kind:
    """A line of its own that never ends, without a verb's room and with no mark of a list, is a heading."""
    line = text[begin:end]
    bare = begin == start and end - start < 80 and len(line.split()) <= 8 and "\n" not in line
    closed = line[-1] in ".!?…:;,)\"”»" or _ITEM.match(line) or ":" in line or any(c.isdigit() for c in line)
    alone = text[:start].strip() != "" or text[end:].strip() != ""
    return Kind.HEADING if bare and alone and not closed else Kind.SENTENCE


def _ends_sentence(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    rest = text[stop.end() : end].lstrip()
    if not rest:
        return True
    first = rest[_open_length(rest) : _open_length(rest) + 1]
    if first.islower():
        return False
    if not stop.group().startswith(".") or stop.group().startswith(".."):
        return True
    return not _is_abbreviation(text[begin : stop.start() + 1], text[stop.end() : end])


def _open_length(rest: str) -> int:
    opening = _OPENING.match(rest)
    return opening.end() if opening else 0


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
    return word.lower() not in _CLOSING or not after.lstrip()[:1].isupper()
