"""The properties of letters of Word's binary documents (Word 97 to 2003), as far as they say what is seen."""

import struct
from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

VANISH, DELETED, SIZE, CHARACTER_STYLE = 0x083C, 0x0800, 0x4A43, 0x4A30
_PAGE = 512
_LEAST_SIZE = 4
"""In half points: smaller letters are read by nobody."""

_LENGTHS = {0: 1, 1: 1, 2: 2, 3: 4, 4: 2, 5: 2, 7: 3}
"""Bytes of an operand, by the three highest bits of its property; 6 says its length itself."""

_PARAGRAPH_STYLE, _CHARACTER_STYLE = 1, 2
_AS_STYLE, _UNLIKE_STYLE = 0x80, 0x81


class LetterRun(NamedTuple):
    """Bytes of the stream of the text with the same properties."""

    start: int
    end: int
    properties: bytes


def properties(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields each property of a list of them, and its operand."""
    place = 0
    while place + 2 <= len(content):
        (code,) = struct.unpack_from("<H", content, place)
        place += 2
        length = _LENGTHS.get(code >> 13)
        if length is None:
            length = content[place] + 1 if place < len(content) else 0
        yield code, content[place : place + length]
        place += length


def runs(document: bytes, table: bytes) -> Iterator[LetterRun]:
    """Yields the runs of letters of one look. `table` says on which pages of the document their properties stand."""
    for page, starts in _pages(document, table, 101):
        for place, (start, end) in enumerate(pairwise(starts)):
            offset = 2 * page[4 * len(starts) + place]
            look = page[offset + 1 : offset + 1 + page[offset]] if offset else b""
            yield LetterRun(start, end, look)


def paragraph_styles(document: bytes, table: bytes) -> list[tuple[int, int]]:
    """Where each paragraph begins, and the number of its style, in order."""
    found = []
    for page, starts in _pages(document, table, 29):
        for place, start in enumerate(starts[:-1]):
            offset = 2 * page[4 * len(starts) + 13 * place]
            begin = offset + 1 + (page[offset] == 0)
            is_there = offset > 0 and begin + 2 <= len(page)
            found.append((start, struct.unpack_from("<H", page, begin)[0] if is_there else 0))
    return sorted(found)


def _pages(document: bytes, table: bytes, most: int) -> Iterator[tuple[bytes, tuple[int, ...]]]:
    """Yields the pages with the properties of 1 to `most` runs, each with the places where these begin, and the place
    where the last one ends."""
    pages = max((len(table) - 4) // 8, 0)
    for number in struct.unpack_from(f"<{pages}I", table, 4 * (pages + 1)):
        start = (number & 0x3FFFFF) * _PAGE
        page = document[start : start + _PAGE]
        entries = page[-1] if len(page) == _PAGE else 0
        if 0 < entries <= most:
            yield page, struct.unpack_from(f"<{entries + 1}I", page)


def hidden_styles(sheet: bytes) -> frozenset[int]:
    """The numbers of the styles whose letters are not seen, by themselves or by the style that they are based on."""
    if len(sheet) < 6:
        return frozenset()
    head, count, base = struct.unpack_from("<HHH", sheet)
    place, own, bases = 2 + head, dict[int, bool](), dict[int, int]()
    for number in range(count):
        if place + 2 > len(sheet):
            break
        (length,) = struct.unpack_from("<H", sheet, place)
        if length > base:
            hides, parent = _style(sheet[place + 2 : place + 2 + length], base)
            bases[number] = parent
            if hides is not None:
                own[number] = hides
        place += 2 + length
    return frozenset(number for number in bases if _inherited(number, own, bases))


def _inherited(number: int, own: dict[int, bool], bases: dict[int, int]) -> bool:
    seen = set[int]()
    while number not in own and number in bases and number not in seen:
        seen.add(number)
        number = bases[number]
    return own.get(number, False)


def _style(style: bytes, base: int) -> tuple[bool | None, int]:
    """Whether a style hides letters, None where it says nothing; and the number of the style it is based on."""
    kind, parent = style[2] & 15, struct.unpack_from("<H", style, 2)[0] >> 4
    place = base + 4 + 2 * int(struct.unpack_from("<H", style, base)[0])
    lists = []
    while place + 2 <= len(style):
        (length,) = struct.unpack_from("<H", style, place)
        lists.append(style[place + 2 : place + 2 + length])
        place += 2 + length + length % 2
    letters = lists[1:2] if kind == _PARAGRAPH_STYLE else lists[:1] if kind == _CHARACTER_STYLE else []
    for code, operand in properties(b"".join(letters)):
        if code == VANISH and operand:
            return operand[0] == 1, parent
    return None, parent


def is_unseen(look: bytes, style: int, hidden: frozenset[int]) -> bool:
    """Whether letters of a look in a paragraph of a style are hidden, deleted or too small to read."""
    vanish, is_deleted, is_tiny, by_style = _AS_STYLE, False, False, style in hidden
    for code, operand in properties(look):
        if code == VANISH and operand:
            vanish = operand[0]
        elif code == DELETED and operand:
            is_deleted = operand[0] == 1
        elif code == SIZE and len(operand) == 2:
            is_tiny = int.from_bytes(operand, "little") < _LEAST_SIZE
        elif code == CHARACTER_STYLE and len(operand) == 2:
            by_style = by_style or int.from_bytes(operand, "little") in hidden
    is_hidden = by_style if vanish == _AS_STYLE else not by_style if vanish == _UNLIKE_STYLE else vanish == 1
    return is_hidden or is_deleted or is_tiny


def style_at(place: int, styles: list[tuple[int, int]]) -> int:
    found = bisect_right(styles, (place, 0xFFFF)) - 1
    return styles[found][1] if found >= 0 else 0
