"""How a power or an index is written in a line of text, for every format."""

import re

_ONE_WORD = re.compile(r"[+\-−–]?[\w.,′]+[+\-−]?|[+\-−°′″™®©ªº]+")
_ORDINALS = frozenset(
    ("st", "nd", "rd", "th", "er", "ère", "re", "e", "ème", "eme", "o", "a", "os", "as", "º", "ª", "°", "™", "®", "©")
) | {"tm", "sm"}


def raised(before: str, text: str, tag: str) -> str:
    """A power (`sup`) or an index (`sub`) as it is written in a line: `10^6`, `x_i`; `H2O`, `1st` and notes in brackets
    as they are. `before` is the text that it stands behind."""
    word = text.strip()
    last = before[-1:]
    if not word or not (last.isalnum() or last == ")") or word[0] in "[(*†‡" or word.lower() in _ORDINALS:
        return text
    if tag == "sub" and word.isdigit() and not last.isdigit():
        return text
    mark = "^" if tag == "sup" else "_"
    return f"{mark}{word}" if _ONE_WORD.fullmatch(word) else f"{mark}({word})"
