"""Leaves out of a page the text that its file gives in place of glyphs (`/ActualText`) where a reader sees another."""

import ctypes
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

import pypdfium2.raw as pdfium
from msgspec import Struct

from shared.parsing.letters import letters_of
from shared.parsing.paged.page_objects import address_of, bounds_of, painted
from shared.types.passage import Box, around

_KEY = b"ActualText"
_LONGEST = 20_000
"""Bytes of a replacement; a longer one is none that stands for a word or a line."""

_UNREADABLE = 0.3
"""Share of the glyphs without a letter above which the replacement is all that is known of them."""


class _Passage(Struct):
    """The text objects of one marked passage, each with its mark, the text in place of them, and where they stand."""

    text: str
    items: list[tuple[Any, Any]]
    box: Box


def page_as_seen(load: Callable[[], Any]) -> tuple[Any, list[tuple[str, Box]]]:
    """Loads a page without the replacements that say something else than its glyphs, and returns these with their boxes
    in PDF coordinates. One that agrees but for hyphens, ligatures and spaces stays, and one for glyphs that stand for
    no known letters."""
    page = load()
    passages = _passages(page)
    if not passages:
        return page, []
    for passage in passages:
        _remove(passage)
    glyphs = _glyphs(page.get_textpage())
    untrue = [place for place, passage in enumerate(passages) if not _agrees(passage, glyphs)]
    if len(untrue) < len(passages):
        page = load()
        passages = _passages(page)
        for place in untrue:
            _remove(passages[place])
    return page, [(passages[place].text, passages[place].box) for place in untrue if passages[place].text.strip()]


def _passages(page: Any) -> list[_Passage]:
    marked = []
    for item, matrix, _ in painted(page):
        if pdfium.FPDFPageObj_GetType(item) == pdfium.FPDF_PAGEOBJ_TEXT:
            marked += [(item, mark, text, bounds_of(item, matrix)) for mark, text in _replacements(item)]
    return [
        _Passage(group[0][2], [(item, mark) for item, mark, *_ in group], around(box for *_, box in group))
        for group in (list(same) for _, same in groupby(marked, lambda one: address_of(one[1])))
    ]


def _replacements(item: Any) -> Iterator[tuple[Any, str]]:
    length = ctypes.c_ulong()
    for place in range(pdfium.FPDFPageObj_CountMarks(item)):
        mark = pdfium.FPDFPageObj_GetMark(item, place)
        if pdfium.FPDFPageObjMark_GetParamStringValue(mark, _KEY, None, 0, length):
            size = min(length.value, _LONGEST)
            written = (pdfium.FPDF_WCHAR * (size // 2 + 1))()
            pdfium.FPDFPageObjMark_GetParamStringValue(mark, _KEY, written, size, length)
            yield mark, bytes(written)[:size].decode("utf-16-le", "replace").rstrip("\0")


def _remove(passage: _Passage) -> None:
    for item, mark in passage.items:
        pdfium.FPDFPageObj_RemoveMark(item, mark)


def _glyphs(textpage: Any) -> dict[int, list[tuple[str, bool]]]:
    """Returns the letters of each text object, and of each whether the file says which one it is."""
    found: dict[int, list[tuple[str, bool]]] = {}
    for index in range(pdfium.FPDFText_CountChars(textpage)):
        letter = chr(pdfium.FPDFText_GetUnicode(textpage, index))
        is_known = not pdfium.FPDFText_HasUnicodeMapError(textpage, index) and letter.isprintable()
        address = address_of(pdfium.FPDFText_GetTextObject(textpage, index))
        found.setdefault(address, []).append((letter, is_known))
    return found


def _agrees(passage: _Passage, glyphs: dict[int, list[tuple[str, bool]]]) -> bool:
    drawn = [glyph for item, _ in passage.items for glyph in glyphs.get(address_of(item), ())]
    unknown = sum(not is_known for _, is_known in drawn)
    if unknown >= _UNREADABLE * len(drawn):
        return True
    return letters_of(passage.text) == letters_of("".join(letter for letter, _ in drawn))
