"""Which document a ZIP archive is, by its parts."""

import struct
import zipfile
from typing import BinaryIO

MOST_ENTRIES = 10_000
_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_END = struct.Struct("<4s4HIIH")
_LARGEST_DIRECTORY = 16 * 1024 * 1024
_LONGEST_COMMENT = 65_535

_BY_MEDIA_TYPE = {
    "application/epub+zip": "epub",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.oasis.opendocument.graphics": "odg",
    "application/vnd.sun.xml.writer": "sxw",
    "application/vnd.sun.xml.calc": "sxc",
    "application/vnd.sun.xml.impress": "sxi",
}
_BY_PART = (
    ("word/document", "docx"),
    ("xl/workbook.bin", "xlsb"),
    ("xl/workbook", "xlsx"),
    ("ppt/presentation", "pptx"),
    ("word/", "docx"),
    ("xl/", "xlsx"),
    ("ppt/", "pptx"),
    ("META-INF/container.xml", "epub"),
)
_BY_NAME = frozenset({"pages", "key", "numbers"})
"""Alike inside; only their names tell them apart."""

EXTENSIONS = frozenset(_BY_MEDIA_TYPE.values()) | {extension for _, extension in _BY_PART} | _BY_NAME


def is_archive(head: bytes) -> bool:
    return head.startswith(_MARKS)


def archived_extension(file: BinaryIO) -> str | None:
    """The format of the document that the archive is; None for another archive and for one that cannot be read."""
    if not 0 < entries(file) <= MOST_ENTRIES:
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            parts = (extension for part, extension in _BY_PART if any(name.startswith(part) for name in names))
            return _by_media_type(archive) or next(parts, None)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError):
        return None


def entries(file: BinaryIO) -> int:
    """Returns the number of entries that the archive states, without opening them; 0 where its end cannot be read."""
    size = file.seek(0, 2)
    start = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(start)
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size:
        return 0
    _, _, _, _, count, directory, _, _ = _END.unpack_from(tail, place)
    return MOST_ENTRIES + 1 if directory > _LARGEST_DIRECTORY else int(count)


def extension_in(head: bytes) -> str | None:
    """Recognises an archive by its beginning, where its end is lost."""
    for media_type, extension in _BY_MEDIA_TYPE.items():
        if media_type.encode() in head[:200]:
            return extension
    return next((extension for part, extension in _BY_PART if part.encode() in head), None)


def _by_media_type(archive: zipfile.ZipFile) -> str | None:
    """OpenDocument and EPUB name themselves in their first entry."""
    try:
        named = archive.getinfo("mimetype")
    except KeyError:
        return None
    if named.file_size > 200:
        return None
    media_type = archive.read(named).decode("ascii", "replace").strip().removesuffix("-template")
    return _BY_MEDIA_TYPE.get(media_type)
