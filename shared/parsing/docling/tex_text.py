"""LaTeX as Docling reads it: without what is not set, with ties as spaces and with dashes."""

import re
from typing import NamedTuple

_MOST = 20_000
"""Characters of one listing or picture that is looked for."""

_UNCHANGED = (
    r"\\(?:url|path|href|input|include|includegraphics|label|ref|cite)\b[^{}\n]{0,200}\{[^{}\n]{0,2000}\}"
    rf"|\\begin\{{(?P<name>verbatim|lstlisting|minted|tikzpicture|alltt)\*?\}}.{{0,{_MOST}}}?\\end\{{(?P=name)\*?\}}"
    r"|\\verb\*?(?P<edge>[^\w\s]).{0,500}?(?P=edge)"
)
_SIGNS = re.compile(rf"(?P<same>{_UNCHANGED})|(?<!\\)~|(?<!-)-{{2,3}}(?!-)", re.DOTALL)
_UNSEEN = re.compile(r"\\(?:[hv]?phantom|textcolor(?:\[\w+\])?\{(?:white|FFFFFF)\})\{([^{}]{0,5000})\}")
_UNSET = (("\\iffalse", "\\fi"), ("\\begin{comment}", "\\end{comment}"))
_COMMAND = re.compile(r"\\[A-Za-z]+|[{}\\$&%#]")


class ReadableTex(NamedTuple):
    text: str
    hidden_words: int


def readable(text: str) -> ReadableTex:
    hidden: list[str] = []
    for begin, end in _UNSET:
        text = _without(text, begin, end, hidden)

    def unseen(found: re.Match[str]) -> str:
        hidden.append(found[1])
        return ""

    text = _UNSEEN.sub(unseen, text)
    words = _COMMAND.sub(" ", " ".join(hidden)).split()
    return ReadableTex(_SIGNS.sub(_sign, text), len(words))


def _without(text: str, begin: str, end: str, hidden: list[str]) -> str:
    """The text without its runs from a `begin` to the next `end`, which are added to what is hidden."""
    written, place = "", 0
    while (start := text.find(begin, place)) >= 0 and (stop := text.find(end, start)) >= 0:
        written += text[place:start]
        hidden.append(text[start + len(begin) : stop])
        place = stop + len(end)
    return written + text[place:]


def _sign(found: re.Match[str]) -> str:
    if found["same"]:
        return found[0]
    return {"~": " ", "--": "–"}.get(found[0], "—")
