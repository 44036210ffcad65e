"""Cuts an answer into statements while it arrives: the same statements, whatever the pieces it arrives in.

A statement is given out once no text behind it can change where it ends. Time is linear in the answer's length: only
the first `_WINDOW` characters that are not given out yet are read at a time.
"""

import re
from collections.abc import Iterator

from shared.answers.sentences import SentenceKind, SentenceSpan, begins_alone, sentences_of

_WINDOW = 2000
"""A statement that is longer is cut here."""

_LONGEST_PAIR = 130
"""From this length on a line is no line such as "Price: 12 euros"."""

_ENDING = re.compile(r"[.!?…。！？\n]")
_WIDE_STOPS = "。！？」』”）"
_TRAILING_MARKS = re.compile(
    r"(?<![.!?…。！？])([.!?…。！？]++)((?:[^\S\n]*+\n?[^\S\n]*+\[\d{1,3}(?:[ ]{0,3},[ ]{0,3}\d{1,3})*\])++)"
)
_NEXT_WORD = re.compile(r"\s+(?:\[[^\]\n]*\]\S*|[^\s\[]\S*)\s")
_NEXT_LINE = re.compile(r"\s*\n[ \t]*([^\n]*)(\n?)")
_PARAGRAPH_END = re.compile(r"[^\S\n]*\n[^\S\n]*\n\s*\S")
_BLANK = re.compile(r"\s*")


class StatementReader:
    """Takes the pieces of an answer and gives out its statements, without headings, rules and heads of tables."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._is_started = False
        self._within_line = False

    def feed(self, piece: str) -> Iterator[str]:
        """Adds a piece, and yields the statements that are complete with it."""
        self._text, self._at = self._text[self._at :] + piece, 0
        return self._statements(ended=False)

    def finish(self) -> Iterator[str]:
        """Yields the remaining statements: nothing follows."""
        return self._statements(ended=True)

    def _statements(self, *, ended: bool) -> Iterator[str]:
        while raw := self._window():
            is_last = ended and self._at + len(raw) == len(self._text)
            if not (is_last or len(raw) == _WINDOW or _ENDING.search(raw)):
                return
            window = _TRAILING_MARKS.sub(r"\2\1", raw)
            span = next(sentences_of(window, started=self._is_started, within=self._within_line))
            if not (is_last or len(raw) == _WINDOW or _is_settled(window, span)):
                return
            self._at += span.end
            self._is_started = self._within_line = True
            if span.kind is not SentenceKind.HEADING:
                yield window[span.start : span.end]

    def _window(self) -> str:
        """What is read at a time of the text that is not given out yet; it begins with no white space."""
        blank = _BLANK.match(self._text, self._at)
        assert blank
        self._within_line = self._within_line and "\n" not in blank[0]
        self._at = blank.end()
        return self._text[self._at : self._at + _WINDOW]


def _is_settled(window: str, span: SentenceSpan) -> bool:
    """Whether more text cannot change the first statement: the next word is there, or what begins the next line."""
    after = window[span.end :]
    is_row = window.startswith("|")
    line = _NEXT_LINE.match(after)
    if line is None:
        if window[span.end - 1] in _WIDE_STOPS:
            return after[:1] not in ("", "[", *_WIDE_STOPS)
        return not is_row and not window.startswith("#") and _NEXT_WORD.match(after) is not None
    if line[2]:
        return True
    long = len(line[1]) >= _LONGEST_PAIR and not line[1].startswith("|")
    return not is_row and (_PARAGRAPH_END.match(after) is not None or long or begins_alone(line[1]))
