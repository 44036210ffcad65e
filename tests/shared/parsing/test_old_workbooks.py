"""Workbooks of Excel 97 to 2003 are read as they are shown."""

import struct

from shared.parsing.dispatch import parse
from shared.parsing.limits import ParsingLimits
from tests.documents.compound import compound

PERCENT, NOTHING, WHITE = 1, 2, 3
STRINGS = ("Region", "Share", "Größe", "Nord" * 40, "Summe ≈", "secret words")


def record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def begin(kind: int) -> bytes:
    return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0x0DBB, 0x07CC, 0, 6))


def at(row: int, column: int, style: int = 0) -> bytes:
    return struct.pack("<HHH", row, column, style)


def shared(place: int, row: int, column: int, style: int = 0) -> bytes:
    return record(0xFD, at(row, column, style) + struct.pack("<I", place))


def style(font: int, code: int) -> bytes:
    return record(0xE0, struct.pack("<HH", font, code) + bytes(10) + struct.pack("<IH", 0, 0))


def string_table() -> bytes:
    """The fourth string goes on in the next record, there in wide letters."""
    first = struct.pack("<II", 6, 6)
    for text in STRINGS[:3]:
        first += struct.pack("<HB", len(text), 0) + text.encode("latin-1")
    long = STRINGS[3]
    first += struct.pack("<HB", len(long), 0) + long[:60].encode()
    second = b"\x01" + long[60:].encode("utf-16-le")
    second += struct.pack("<HBH", len(STRINGS[4]), 9, 1) + STRINGS[4].encode("utf-16-le") + bytes(4)
    second += struct.pack("<HB", len(STRINGS[5]), 0) + STRINGS[5].encode()
    return record(0xFC, first) + record(0x3C, second)


def workbook(*sheets: tuple[str, int, bytes]) -> bytes:
    fonts = b"".join(record(0x31, struct.pack("<HHH", 200, 0, color)) for color in (32767, 9))
    codes = record(0x41E, struct.pack("<HHB", 164, 3, 0) + b";;;")
    front = begin(5) + fonts + codes + style(0, 0) + style(0, 10) + style(0, 164) + style(1, 0) + string_table()
    names = [struct.pack("<BB", len(name), 0) + name.encode() for name, _, _ in sheets]
    place = len(front) + sum(10 + len(name) for name in names) + 4
    for (_, state, cells), name in zip(sheets, names, strict=True):
        front += record(0x85, struct.pack("<IBB", place, state, 0) + name)
        place += len(begin(16) + cells + record(0x0A, b""))
    front += record(0x0A, b"")
    return compound({"Workbook": front + b"".join(begin(16) + cells + record(0x0A, b"") for _, _, cells in sheets)})


def test_an_old_workbook_is_read_as_it_is_shown_and_what_is_hidden_is_counted() -> None:
    cells = record(0x7D, struct.pack("<HHHHH", 4, 4, 2000, 0, 1))
    cells += record(0x208, struct.pack("<HHHHHHHH", 4, 0, 3, 255, 0, 0, 0x20, 0))
    cells += shared(0, 0, 0) + shared(1, 0, 1) + shared(2, 0, 2) + shared(5, 0, 4)
    quarter = struct.unpack("<Q", struct.pack("<d", 0.25))[0] >> 32
    cells += shared(3, 1, 0) + record(0x27E, at(1, 1, PERCENT) + struct.pack("<I", quarter))
    cells += record(0x203, at(1, 2) + struct.pack("<d", 12.5))
    cells += record(
        0xBD, struct.pack("<HH", 2, 0) + struct.pack("<HIHI", 0, 7 << 2 | 2, PERCENT, 50 << 2 | 3) + b"\1\0"
    )
    cells += record(0x06, at(2, 2) + b"\0\0\0\0\0\0\xff\xff" + bytes(8)) + record(0x207, b"\x02\0\0ok")
    cells += shared(4, 3, 0) + record(0x205, at(3, 1) + b"\1\0") + record(0x205, at(3, 2) + b"\7\1")
    cells += shared(5, 4, 0) + record(0x203, at(5, 0, NOTHING) + struct.pack("<d", 4711)) + shared(5, 5, 1, WHITE)
    cells += shared(0, 7, 0)
    content = workbook(("Oslo", 0, cells), ("Archive", 1, shared(5, 0, 0)), ("Bergen", 0, shared(1, 0, 0)))
    document = parse("legacy", "application/vnd.ms-excel", "a.xls", content, ParsingLimits())
    assert [block.rows or block.text for block in document.blocks] == [
        "Oslo",
        (
            ("Region", "Share", "Größe"),
            ("Nord" * 40, "25.00%", "12.5"),
            ("7", "50.00%", "ok"),
            ("Summe ≈", "TRUE", "#DIV/0!"),
        ),
        (("Region",),),
        "Bergen",
        (("Share",),),
    ]
    assert document.hidden_words == 2 + 2 + 1 + 2 + 2
