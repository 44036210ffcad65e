"""The binary Office formats, as small as their readers take them."""

import struct
from collections.abc import Sequence

from tests.documents.compound import compound

Look = tuple[int, int, bytes]
"""From a letter on, up to another one: the list of properties that these have."""


def doc(text: str, looks: Sequence[Look] = (), styles: Sequence[bytes] = (), *, style: int = 0) -> bytes:
    """Word 97: the text in one piece, its paragraphs ended by carriage returns, all of them in one `style`; `styles`
    have the properties of the letters of each style."""
    body = (text.replace("\n", "\r") + "\r").encode("utf-16-le")
    place = 2048
    piece = struct.pack("<IIHIH", 0, len(body) // 2, 0, place, 0)
    clx = b"\x02" + struct.pack("<I", len(piece)) + piece
    fib = bytearray(place)
    struct.pack_into("<HHHHHHH", fib, 0, 0xA5EC, 0x00C1, 0, 0x0409, 0, 0x0200, 0x00BF)
    struct.pack_into("<H", fib, 32, 14)
    struct.pack_into("<H", fib, 62, 22)
    struct.pack_into("<I", fib, 64, place + len(body))
    struct.pack_into("<i", fib, 64 + 12, len(body) // 2)
    struct.pack_into("<H", fib, 152, 0x5D)
    table = clx
    struct.pack_into("<II", fib, 154 + 33 * 8, 0, len(clx))
    stream = (bytes(fib) + body).ljust(-(-(place + len(body)) // 512) * 512, b"\0")
    if looks or styles:
        bounds = struct.pack("<II", place, place + len(body))
        parts = {
            1: struct.pack("<HHH14x", 18, len(styles), 10) + b"".join(map(_style, styles)),
            12: bounds + struct.pack("<I", len(stream) // 512),
            13: bounds + struct.pack("<I", len(stream) // 512 + 1),
        }
        stream += _letters(looks, place, len(body)) + _paragraph(style, place, len(body))
        for number, part in parts.items():
            struct.pack_into("<II", fib, 154 + number * 8, len(table), len(part))
            table += part
    return compound({"WordDocument": bytes(fib) + stream[place:], "1Table": table})


def _letters(looks: Sequence[Look], place: int, length: int) -> bytes:
    """The page that says how letters look."""
    bounds = sorted({place, place + length, *(place + 2 * each for look in looks for each in look[:2])})
    page = bytearray(512)
    struct.pack_into(f"<{len(bounds)}I", page, 0, *bounds)
    free = 510
    for number, start in enumerate(bounds[:-1]):
        for begin, end, look in looks:
            if place + 2 * begin <= start < place + 2 * end:
                free -= 2 * (len(look) // 2 + 1)
                page[free : free + 1 + len(look)] = bytes([len(look)]) + look
                page[4 * len(bounds) + number] = free // 2
    page[511] = len(bounds) - 1
    return bytes(page)


def _paragraph(style: int, place: int, length: int) -> bytes:
    """The page that says that all paragraphs are in a style."""
    page = bytearray(512)
    struct.pack_into("<II", page, 0, place, place + length)
    page[8] = 500 // 2
    page[500:504] = b"\0\1" + struct.pack("<H", style)
    page[511] = 1
    return bytes(page)


def _style(look: bytes) -> bytes:
    """A style of a paragraph, with the look of its letters."""
    base = struct.pack("<HHHHH", 0, 0xFFF1, 2, 0, 0)
    name = struct.pack("<H", 1) + "s".encode("utf-16-le") + bytes(2)
    style = base + name + struct.pack("<HH", 2, 0) + struct.pack("<H", len(look)) + look + bytes(len(look) % 2)
    return struct.pack("<H", len(style)) + style


def xls(rows: list[list[str]]) -> bytes:
    """Excel 97: one sheet, every cell a label."""
    name = b"Sheet1"
    front = _beginning(5) + _biff(0x42, struct.pack("<H", 1200))
    sheet_place = len(front) + 4 + 8 + len(name) + 4
    front += _biff(0x85, struct.pack("<IHBB", sheet_place, 0, len(name), 0) + name) + _biff(0x0A, b"")
    cells = b"".join(
        _biff(0x204, struct.pack("<HHHHB", row, column, 0, len(cell), 1) + cell.encode("utf-16-le"))
        for row, line in enumerate(rows)
        for column, cell in enumerate(line)
    )
    size = _biff(0x200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    return compound({"Workbook": front + _beginning(16) + size + cells + _biff(0x0A, b"")})


def _beginning(kind: int) -> bytes:
    return _biff(0x809, struct.pack("<HHHHII", 0x600, kind, 0x0DBB, 0x07CC, 0, 6))


def _biff(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def ppt(slides: list[list[str]]) -> bytes:
    """PowerPoint 97: the texts of every slide in the outline of the document."""
    texts = b"".join(
        _record(0x03F3, struct.pack("<IIiII", place + 2, 0, len(lines), 256 + place, 0))
        + b"".join(_text(line, 0 if number == 0 else 1) for number, line in enumerate(lines))
        for place, lines in enumerate(slides)
    )
    size = _record(0x03E9, struct.pack("<iiiiiiIIHHBBBB", 5760, 4320, 4320, 5760, 1, 2, 0, 0, 1, 0, 0, 0, 0, 1), 1)
    document = _record(0x03E8, size + _record(0x0FF0, texts, 0xF) + _record(0x03EA, b""), 0xF)
    records = [document, *(_record(0x03EE, _record(0x03EF, bytes(24), 2), 0xF) for _ in slides)]
    places, stream = [], b""
    for each in records:
        places.append(len(stream))
        stream += each
    directory = _record(0x1772, struct.pack("<I", 1 | len(places) << 20) + struct.pack(f"<{len(places)}I", *places))
    edit = struct.pack("<IHBBIIIIHH", 0, 0, 0, 3, 0, len(stream), 1, len(places) + 1, 1, 0)
    current = len(stream) + len(directory)
    stream += directory + _record(0x0FF5, edit)
    user = _record(
        0x0FF6, struct.pack("<IIIHHBBH", 20, 0xE391C05F, current, 4, 0x03F4, 3, 0, 0) + b"user" + struct.pack("<I", 8)
    )
    return compound({"PowerPoint Document": stream, "Current User": user})


def _text(line: str, kind: int) -> bytes:
    return _record(0x0F9F, struct.pack("<I", kind)) + _record(0x0FA0, line.encode("utf-16-le"))


def _record(kind: int, content: bytes, version: int = 0) -> bytes:
    return struct.pack("<HHI", version, kind, len(content)) + content


def msg(subject: str, sender: str, body: str) -> bytes:
    """Outlook: properties in streams that are named for their tag and type."""
    texts = {0x001A: "IPM.Note", 0x0037: subject, 0x0C1A: sender, 0x0E04: sender, 0x1000: body}
    streams = {f"__substg1.0_{tag:04X}001F": text.encode("utf-16-le") for tag, text in texts.items()}
    listed = b"".join(struct.pack("<IIII", tag << 16 | 0x1F, 6, 2 * len(text) + 2, 0) for tag, text in texts.items())
    streams["__properties_version1.0"] = struct.pack("<8xIIII8x", 0, 0, 0, 0) + listed
    names = {"__substg1.0_00020102": b"", "__substg1.0_00030102": b"", "__substg1.0_00040102": b""}
    return compound(streams, {"__nameid_version1.0": names})
