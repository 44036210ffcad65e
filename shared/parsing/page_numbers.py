"""Headers and footers without the numbers of pages."""

import re

_NUMBERED = re.compile(r"\W{0,20}(?:page|seite)\W{0,20}(?:\d{1,4}(?:\W{0,20}?(?:of|von|/)\W{0,20}\d{1,4})?\W{0,20})?")
_WORDS = frozenset({
    "page", "pages", "seite", "seiten", "p", "s", "pg", "página", "pagina", "pág", "sida", "side", "blatt", "slide",
    "folie", "of", "von", "de", "sur", "di",
})  # fmt: skip
_CODE = re.compile(r'&(?:&|"[^"]{0,200}"|K(?:[0-9A-F]{6}|\d\d[+-]\d{3})|\d{1,3}|[A-Z])', re.IGNORECASE)


def is_page_number(line: str) -> bool:
    """Whether a line says only on which page it stands. A number by itself may be anything: where it is the page's, the
    document says so, and its field is taken off before."""
    line = line.casefold().strip()
    return _NUMBERED.fullmatch(line) is not None or _WORDS.issuperset(re.findall(r"\w+", line))


def coded_lines(code: str) -> list[str]:
    """The lines of a header or footer of Excel: its left, middle and right part, without fields and fonts."""
    text = _CODE.sub(_plain, code)
    return [line for line in (" ".join(line.split()) for line in text.splitlines()) if not is_page_number(line)]


def _plain(found: re.Match[str]) -> str:
    return {"&&": "&", "&L": "\n", "&C": "\n", "&R": "\n"}.get(found[0].upper(), "")
