"""Text above and below the line, written so that it does not become part of the number or the word before it."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Literal

ScriptPosition = Literal["", "sup", "sub"]
"""Where a run of text stands: on the line, above it or below it."""

_ONE_WORD = re.compile(r"[+\-−–]?[\w.,′]+[+\-−)]?|[+\-−°′″™®©ªº]+")
_ORDINALS = frozenset({
    "st", "nd", "rd", "th", "er", "ère", "re", "e", "ème", "eme", "o", "a", "os", "as", "º", "ª", "°", "™", "®", "©",
    "tm", "sm",
})  # fmt: skip


def raised(before: str, text: str, script: str) -> str:
    """A power (`sup`) or an index (`sub`) as it is written in a line: `10^6`, `x_i`; `H2O`, `1st` and notes in brackets
    as they are. `before` is the text that it stands behind."""
    word = text.strip()
    last = before[-1:]
    if not word or not (last.isalnum() or last == ")") or word[0] in "[(*†‡" or word.lower() in _ORDINALS:
        return text
    if script == "sub" and word.isdigit() and not last.isdigit():
        return text
    mark = "^" if script == "sup" else "_"
    power = f"{mark}{word}" if _ONE_WORD.fullmatch(word) else f"{mark}({word})"
    return power + text[len(text.rstrip()) :]


def marked(runs: Iterable[tuple[str, ScriptPosition]]) -> list[str]:
    """The text of each run of a paragraph. Runs of one kind side by side are one power, written in the first."""
    before, written = "", list[str]()
    for script, group in groupby(runs, key=lambda run: run[1]):
        texts = [text for text, _ in group]
        if script and any(map(str.strip, texts)):
            texts = [raised(before, "".join(texts), script), *[""] * (len(texts) - 1)]
        written += texts
        before = "".join(texts) or before
    return written


def beside(before: str, text: str) -> str:
    """A text with a space before it where it would become part of the word before."""
    return f" {text}" if before[-1:].isalnum() and text[:1].isalnum() else text


def last_of(runs: Sequence[str], end: int | None = None) -> str:
    """The run that the next one stands behind, or the one at `end`: the last that is not empty."""
    places = range(len(runs) if end is None else end)
    return next((runs[place] for place in reversed(places) if runs[place]), "")
