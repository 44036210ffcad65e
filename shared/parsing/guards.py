"""Checks a document before it is parsed: archive bombs, entities that multiply, passwords."""

import re
import struct
import zipfile
from collections.abc import Iterator
from io import BytesIO

from shared.formats import archives, compound
from shared.formats.archives import MOST_ENTRIES
from shared.parsing.element_limits import check_elements
from shared.parsing.limits import GIB, MIB, ParsingLimits
from shared.parsing.xml_entities import check_entities
from shared.types.errors import Rejected

MOST_EXPANDED = GIB
MOST_RATIO = 100
RATIO_COUNTS_FROM = 8 * MIB
"""Below this an archive may be as dense as it likes: what it unfolds to is small."""

FRONT_BYTES = 64 * 1024
_MARKUP = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx", ".vml", ".svg")
_UNREADABLE = (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError, struct.error)
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_DRIVE = re.compile(r"[A-Za-z]:")
_LOCKED_PAGE = re.compile(rb"CipherReference[^>]{1,20}URI\s*=\s*[\"'][^\"']{1,500}\.x?html?[\"']", re.IGNORECASE)


def check(media_type: str, content: bytes, limits: ParsingLimits) -> None:
    """Raises Rejected with the contract's code."""
    if media_type in ARCHIVES:
        _archive(media_type, content)
    elif "xml" in media_type:
        check_entities(content)


def _archive(media_type: str, content: bytes) -> None:
    if content.startswith(compound.MAGIC):
        if compound.compound_extension(BytesIO(content)) == compound.ENCRYPTED:
            raise Rejected("encrypted", "it is protected by a password")
        raise Rejected("corrupt", "it is not what its name says")
    if archives.entries(BytesIO(content)) > MOST_ENTRIES:
        raise Rejected("too-large-expanded", f"it holds more than {MOST_ENTRIES} files")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            _entries(archive.infolist(), len(content))
            packings = {entry.compress_type for entry in archive.infolist()}
            if media_type.startswith("application/vnd.apple.") and packings - _PACKED:
                raise Rejected("encrypted", "it is protected by a password")  # iWork marks it by an unknown packing
            _parts(archive)
            check_elements(media_type, archive)
    except _UNREADABLE as error:
        raise Rejected("corrupt", "its archive is damaged") from error


def _entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Checks the entries that an archive lists, before any is opened."""
    expanded = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_ENTRIES or expanded > MOST_EXPANDED:
        raise Rejected("too-large-expanded", f"it unfolds to {len(entries)} files of {expanded} bytes")
    if expanded > max(RATIO_COUNTS_FROM, MOST_RATIO * size):
        raise Rejected("too-large-expanded", f"it unfolds to {expanded} bytes, more than {MOST_RATIO} times its size")
    if sum(entry.compress_size for entry in entries) > size:
        raise Rejected("too-large-expanded", "files in it share their bytes")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Rejected("encrypted", "it is protected by a password")
    names = [entry.filename.replace("\\", "/") for entry in entries]
    if any(name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/") for name in names):
        raise Rejected("corrupt", "files in it have names that lead outside of it")


def _parts(archive: zipfile.ZipFile) -> None:
    for name, front in _fronts(archive):
        if name == "META-INF/manifest.xml" and b"encryption-data" in front:
            raise Rejected("encrypted", "it is protected by a password")
        if name == "META-INF/encryption.xml" and _LOCKED_PAGE.search(front):
            raise Rejected("encrypted", "its pages are encrypted")
        check_entities(front)


def _fronts(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """Yields the beginning of each part that may declare entities; parts below META-INF in full."""
    for entry in archive.infolist():
        if entry.filename.lower().endswith(_MARKUP) and not entry.is_dir():
            with archive.open(entry) as part:
                yield entry.filename, part.read(-1 if entry.filename.startswith("META-INF/") else FRONT_BYTES)


_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"
ARCHIVES = frozenset(
    (
        f"{_OFFICE}.wordprocessingml.document",
        f"{_OFFICE}.presentationml.presentation",
        f"{_OFFICE}.spreadsheetml.sheet",
        f"{_OPEN}.text",
        f"{_OPEN}.spreadsheet",
        f"{_OPEN}.presentation",
        "application/epub+zip",
        "application/vnd.apple.pages",
        "application/vnd.apple.keynote",
        "application/vnd.apple.numbers",
    )
)
