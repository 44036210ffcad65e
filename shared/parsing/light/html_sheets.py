"""The style sheets of a page: its own, and those it links to where they came with it."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import NamedTuple

FindSheet = Callable[[str, str], tuple[str, str] | None]
"""Finds the text and the address of a style sheet: by the address that `base` names, a sheet or the page (empty)."""

MOST_SHEETS = 100
"""Linked to or imported."""

_PLACES = re.compile(r"<(?:style|link)\b[^<>]{0,1000}>|<\?xml-stylesheet\b[^<>]{0,1000}\?>", re.IGNORECASE)
_SHEET_ENDS = re.compile(r"</style", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(?<![\w-])([\w-]{1,100}+)\s{0,20}=\s{0,20}(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_IMPORT = re.compile(r"@import\s+(?:url\(\s*)?[\"']?([^\"')\s;]+)[\"']?\s*\)?([^;{}]*)")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_HTML_COMMENT = re.compile(r"<!--|-->")
_PIECE_END = re.compile(r"([{};])")
_SCREENS = frozenset({"", "all", "screen", "only screen"})


class Sheets(NamedTuple):
    """In the order in which they apply; not complete where one is not here."""

    texts: tuple[str, ...]
    is_complete: bool


def style_sheets(page: str, find: FindSheet | None = None) -> Sheets:
    reader = _Reader(find)
    place = 0
    while found := _PLACES.search(page, place):
        place = found.end()
        attributes = {name.lower(): unescape(a or b or c) for name, a, b, c in _ATTRIBUTE.findall(found[0])}
        if found[0][:6].lower() != "<style":
            reader.link(attributes, is_sheet=found[0].startswith("<?"))
            continue
        ends = _SHEET_ENDS.search(page, place)
        if ends is None:
            break
        if is_for_screen(attributes.get("media", "")):
            reader.add(page[place : ends.start()], "")
        place = ends.end()
    return Sheets(tuple(reader.texts), reader.is_complete)


class _Reader:
    def __init__(self, find: FindSheet | None) -> None:
        self._find = find
        self._linked = 0
        self.texts: list[str] = []
        self.is_complete = True

    def link(self, attributes: dict[str, str], *, is_sheet: bool) -> None:
        relations = attributes.get("rel", "").lower().split()
        if (is_sheet or "stylesheet" in relations) and "alternate" not in relations:
            self._read(attributes.get("href", ""), "", attributes.get("media", ""))

    def add(self, sheet: str, address: str) -> None:
        """Adds a sheet behind those that it imports."""
        sheet = _without_comments(sheet)
        for imported, query in _IMPORT.findall(sheet):
            self._read(imported, address, query)
        self.texts.append(sheet)

    def _read(self, address: str, base: str, media: str) -> None:
        if not is_for_screen(media):
            self.is_complete = self.is_complete and media.strip().lower() == "print"
            return
        self._linked += 1
        found = self._find(address, base) if self._find and self._linked <= MOST_SHEETS else None
        if found is None:
            self.is_complete = False
        else:
            self.add(*found)


def _without_comments(sheet: str) -> str:
    """Looks for comments only up to the last end of one: from there on none is closed."""
    last = sheet.rfind("*/") + 2
    return _HTML_COMMENT.sub(" ", _COMMENT.sub(" ", sheet[:last]) + sheet[last:])


def blocks(sheet: str) -> Iterator[tuple[str, str]]:
    """Yields each rule's selector and its declarations; those for other media than the screen are left out."""
    opened: list[str] = []
    body: list[str] = []
    pieces = _PIECE_END.split(sheet)
    for text, end in zip(pieces[::2], pieces[1::2], strict=False):
        if end == "{":
            opened.append(" ".join(text.split()).lower() if "@" in text else " ".join(text.split()))
            body = []
        elif end == ";":
            body.append(text)
        elif opened:
            selector = opened.pop()
            if not selector.startswith("@") and all(map(_applies, opened)):
                yield selector, ";".join([*body, text])
            body = []


def _applies(query: str) -> bool:
    if not query.startswith("@media"):
        return query.startswith(("@supports", "@layer"))
    return is_for_screen(query.removeprefix("@media"))


def is_for_screen(query: str) -> bool:
    return any(" ".join(each.split()) in _SCREENS for each in query.lower().split(","))
