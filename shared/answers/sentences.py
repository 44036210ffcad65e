"""Splits a passage into spans that can be quoted: sentences, list items and table rows, with exact offsets."""

import re
from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from shared.language.sentences import sentence_spans


class SentenceKind(Enum):
    SENTENCE = "sentence"
    ROW = "row"
    HEADING = "heading"
    """A heading, a table's head or its rule: the topic of what follows, and no statement itself."""


class SentenceSpan(Struct, frozen=True):
    """`text[start:end]` of a passage, without white space at either end. `lead` is the context that a reader needs: the
    head of a row's table."""

    start: int
    end: int
    kind: SentenceKind
    lead: str = ""


_LINE = re.compile(r"[^\n]*\n?")
_RULE = re.compile(r"\|?[ \t]*+:?-{2,}:?[ \t]*+(\|[ \t]*+:?-{2,}:?[ \t]*+)*\|?")
_RULE_BELOW = re.compile(rf"\s*+{_RULE.pattern}[ \t]*(?:\n|\Z)")
_HEADING = re.compile(r"#{1,6}[ \t]+\S")
_ITEM = re.compile(r"(?:[-*+•–·]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])[ \t]+(?=\S)")
_PAIR = re.compile(r"[^\W\d_][\w /()-]{1,30}:[ \t]+\S.{0,80}\Z")
"""A line such as "Price: 12 euros"."""


def sentences_of(text: str, *, started: bool = False, within: bool = False) -> Iterator[SentenceSpan]:
    """Yields the spans in order; every character that is not white space lies in exactly one. `started`: other text
    comes before it; `within`: and in the same line, so that it begins with no heading."""
    head = ""
    for block in _blocks(text):
        start, end = block
        line = text[start:end]
        if not is_row(line):
            head = ""
            yield from _prose(text, start, end, started, within)
            within = False
        elif _RULE.fullmatch(line):
            yield SentenceSpan(start, end, SentenceKind.HEADING)
        elif _RULE_BELOW.match(text, end):
            head = line
            yield SentenceSpan(start, end, SentenceKind.HEADING)
        else:
            yield SentenceSpan(start, end, SentenceKind.ROW, lead=head)
            head = head or line


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Runs of lines that belong together, trimmed: a wrapped paragraph is one, a heading, item or row is its own."""
    start = end = 0
    for line in _LINE.finditer(text):
        if not line.group():
            break
        stripped = line.group().strip()
        begin = line.start() + len(line.group()) - len(line.group().lstrip())
        if end > start and not _continues(text[start:end], stripped):
            yield start, end
            start = end = 0
        if stripped:
            start = begin if end == 0 else start
            end = begin + len(stripped)
    if end > start:
        yield start, end


def _continues(block: str, line: str) -> bool:
    """Whether the line belongs to the block before it; an item may be wrapped, a heading or row may not."""
    if not line or _stands_alone(line):
        return False
    if _PAIR.match(block):
        return line[0].islower()
    return not _stands_alone(block) or _ITEM.match(block) is not None


def _stands_alone(line: str) -> bool:
    return bool(is_row(line) or begins_alone(line) or _PAIR.match(line))


def begins_alone(line: str) -> bool:
    """Whether the line is a heading or an item, which its beginning shows."""
    return bool(_HEADING.match(line) or _ITEM.match(line))


def is_row(line: str) -> bool:
    """Whether it is a line of a table in Markdown."""
    return line.startswith("|") and line.count("|") >= 2 and "\n" not in line


def _prose(text: str, start: int, end: int, started: bool, within: bool) -> Iterator[SentenceSpan]:
    if not within and _HEADING.match(text, start, end):
        yield SentenceSpan(start, end, SentenceKind.HEADING)
        return
    item = _ITEM.match(text, start, end)
    prose = item.end() if item else start
    begin = start
    for at, stop in sentence_spans(text, prose, end):
        begin = start if at == prose else at
        if stop < end:
            yield SentenceSpan(begin, stop, SentenceKind.SENTENCE)
    kind = SentenceKind.SENTENCE if within and begin == start else _last_kind(text, begin, start, end, started)
    yield SentenceSpan(begin, end, kind)


def _last_kind(text: str, begin: int, start: int, end: int, started: bool) -> SentenceKind:
    """A short line of its own without punctuation, digits or a list's mark is a heading."""
    line = text[begin:end]
    bare = begin == start and end - start < 80 and len(line.split()) <= 8 and "\n" not in line
    closed = line[-1] in '.!?…:;,)"”»。！？」』）' or _ITEM.match(line) or ":" in line or any(c.isdigit() for c in line)
    beside = started or text[:start].strip() != "" or text[end:].strip() != ""
    return SentenceKind.HEADING if bare and beside and not closed else SentenceKind.SENTENCE
