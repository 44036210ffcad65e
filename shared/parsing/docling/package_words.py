"""The words of a package that a reader of the document sees, counted without the reader that makes blocks of them."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from shared.parsing.docling.sheets import column_number
from shared.parsing.document import ParsedDocument

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_WORD = re.compile(r"[^\W_]+")
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")
_RANGE = re.compile(r"([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})")
_MOST_MERGED = 200
_SPACES = {
    **dict.fromkeys((f"{_W}tab", f"{_W}br", f"{_W}cr", f"{_W}ptab", f"{_A}br", f"{_A}tab"), " "),
    f"{_W}noBreakHyphen": "-",
    **dict.fromkeys((f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break"), " "),
}
_OPEN_PARAGRAPHS = (f"{_TEXT}p", f"{_TEXT}h")
_UNREAD = frozenset({f"{_TEXT}note-citation", f"{_TABLE}covered-table-cell"})


def words_of_word(parts: Iterable[Any]) -> Counter[str]:
    """Of the text, its notes and its comments."""
    return _counted(_lines(tree, f"{_W}p", f"{_W}t") for tree in parts)


def words_of_slide(tree: Any, *, is_notes: bool) -> Counter[str]:
    """Without what stands in placeholders for headers and footers, and of notes only what the speaker wrote."""
    unread = set[Any]()
    for shape in tree.iter(f"{_P}sp"):
        holder = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
        kind = None if holder is None else holder.get("type", "obj")
        if (is_notes and kind != "body") or kind in {"ftr", "hdr", "dt", "sldNum"}:
            unread.add(shape)
    unread.update(cell for cell in tree.iter(f"{_A}tc") if cell.get("hMerge") == "1" or cell.get("vMerge") == "1")
    return _counted([_lines(tree, f"{_A}p", f"{_A}t", unread)])


def words_of_sheet(sheet: Any, text_of: Callable[[Any], str]) -> Counter[str]:
    """Of its cells, without those that a merged one covers. `text_of` finds the text of a cell."""
    covered = _covered(sheet)
    cells = (cell for cell in sheet.iter(f"{_S}c") if cell.get("t") != "b" and cell.get("r", "") not in covered)
    return _counted([map(text_of, cells)])


def _covered(sheet: Any) -> set[str]:
    """The names of the cells below merged ones, among those that have something in them."""
    merged = [found for each in sheet.iter(f"{_S}mergeCell") if (found := _RANGE.fullmatch(each.get("ref", "")))]
    cells = [_CELL.fullmatch(cell.get("r", "")) for cell in sheet.iter(f"{_S}c") if merged and len(cell)]
    places = sorted((int(cell[2]), column_number(cell[1].encode()), cell[0]) for cell in cells if cell)
    covered = set()
    for found in merged[:_MOST_MERGED]:
        left, right = (column_number(letters.encode()) for letters in found.group(1, 3))
        first, last = (bisect_left(places, (row,)) for row in (int(found[2]), int(found[4]) + 1))
        for _, column, name in places[first:last]:
            if left <= column <= right and name != f"{found[1]}{found[2]}":
                covered.add(name)
    return covered


def words_of_open(content: Any) -> Counter[str]:
    return _counted([_open_lines(content)])


def counted(document: ParsedDocument, words: Counter[str]) -> ParsedDocument:
    """The document with how many of some words it has."""
    found = Counter(word for block in document.blocks for word in _WORD.findall(block.text))
    whole = words.total()
    return replace(document, words_in=whole, words_out=whole - (words - found).total())


def _counted(parts: Iterable[Iterable[str]]) -> Counter[str]:
    return Counter(word for lines in parts for line in lines for word in _WORD.findall(line))


def _lines(tree: Any, paragraph: str, text: str, unread: Iterable[Any] = ()) -> Iterable[str]:
    """Yields the text of each paragraph, without that of paragraphs in it and of what stands in for newer parts."""
    left_out = set(unread) | set(tree.iter(_FALLBACK))
    for element in tree.iter(paragraph):
        own = (
            each
            for each in element.iter(text, *_SPACES)
            if next(each.iterancestors(paragraph)) is element and left_out.isdisjoint(each.iterancestors())
        )
        yield "".join(_SPACES.get(each.tag) or each.text or "" for each in own)


def _open_lines(content: Any) -> Iterable[str]:
    for paragraph in content.iter(*_OPEN_PARAGRAPHS):
        if next(paragraph.iterancestors(*_UNREAD), None) is None:
            yield "".join(_open_text(paragraph))


def _open_text(element: Any) -> Iterable[str]:
    yield _SPACES.get(element.tag) or element.text or ""
    for child in element:
        if isinstance(child.tag, str) and child.tag not in _OPEN_PARAGRAPHS and child.tag not in _UNREAD:
            yield from _open_text(child)
        yield child.tail or ""
