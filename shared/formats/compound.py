"""Which document an OLE compound file is, by the names of its streams."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "encrypted"
_FREE = 0xFFFFFFFA
"""Sector numbers from here on are marks."""

_MOST_SECTORS = 4096
_ENTRY_BYTES = 128
_STREAMS = (
    ("EncryptedPackage", ENCRYPTED),
    ("__properties_version1.0", "msg"),
    ("WordDocument", "doc"),
    ("PowerPoint Document", "ppt"),
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("StarWriterDocument", "sdw"),
    ("StarCalcDocument", "sdc"),
    ("StarDrawDocument3", "sdd"),
    ("StarDrawDocument", "sdd"),
    ("MatOST", "wps"),
)
EXTENSIONS = frozenset(extension for _, extension in _STREAMS) - {ENCRYPTED}


def compound_extension(file: BinaryIO) -> str | None:
    """`ENCRYPTED` for an Office document under a password; None for another file and for one that cannot be read.

    What a document embeds has storages of its own: only the outermost names count.
    """
    try:
        names = set(_outermost(_directory(file)))
    except (struct.error, IndexError, RecursionError):
        return None
    return next((extension for name, extension in _STREAMS if name in names), None)


def _directory(file: BinaryIO) -> list[bytes]:
    """Returns the directory's entries, 128 bytes each."""
    header = _at(file, 0, 512)
    (shift,) = struct.unpack_from("<H", header, 30)
    if shift not in {9, 12}:
        raise struct.error("no such sector size")
    size = 1 << shift
    (sector,) = struct.unpack_from("<I", header, 48)
    entries: list[bytes] = []
    for _ in range(_MOST_SECTORS):
        if sector >= _FREE:
            break
        content = _at(file, (sector + 1) * size, size)
        entries += [content[place : place + _ENTRY_BYTES] for place in range(0, size, _ENTRY_BYTES)]
        sector = _next(file, header, sector, size)
    return entries


def _next(file: BinaryIO, header: bytes, sector: int, size: int) -> int:
    """The sector after this one; the end, where the table lies beyond what the header itself points to."""
    table, place = divmod(sector, size // 4)
    if table >= 109:
        return _FREE
    (holder,) = struct.unpack_from("<I", header, 76 + 4 * table)
    if holder >= _FREE:
        return _FREE
    return int(struct.unpack("<I", _at(file, (holder + 1) * size + 4 * place, 4))[0])


def _at(file: BinaryIO, place: int, length: int) -> bytes:
    file.seek(place)
    found = file.read(length)
    if len(found) < length:
        raise struct.error("the file ends too early")
    return found


def _outermost(entries: list[bytes]) -> Iterator[str]:
    """The root's children are a binary tree of entries."""
    (child,) = struct.unpack_from("<I", entries[0], 76)
    waiting, seen = [child], set[int]()
    while waiting:
        number = waiting.pop()
        if number >= len(entries) or number in seen:
            continue
        seen.add(number)
        entry = entries[number]
        (length,) = struct.unpack_from("<H", entry, 64)
        yield entry[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
        waiting += struct.unpack_from("<II", entry, 68)
