"""Which parser a file goes to, by what it holds rather than by what it is called."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from shared.formats import archives, compound
from shared.formats.signatures import binary_name, likely_binary_name, paged_extension
from shared.formats.table import FORMATS, PAGED, PLAIN, Format, Route
from shared.formats.text import is_blank, peek
from shared.types.errors import EmptyFile, UnsupportedFormat

HEAD_BYTES = 64 * 1024
"""Bytes of a file's beginning that the router reads."""


WHOLE = ((b"{\\rtf", "rtf"), (b"\xffWPC", "wpd"))
"""What documents that are no archives begin with."""


class Routed(Struct, frozen=True):
    """The route of a file. `extension` is that of its format, which need not be that of its name."""

    media_type: str
    extension: str
    parser: str
    route: str


class ListedFormat(Struct, frozen=True):
    extension: str
    media_type: str
    parser: str
    route: str


class FormatRouter:
    """Content decides; among formats that are all text, the name and then the declared media type give the hint.

    Where there is a warm pool, what has pages goes there.
    """

    def __init__(self, table: Sequence[Format] = FORMATS, *, has_pool: bool = False) -> None:
        self._has_pool = has_pool
        self._table = tuple(table)
        self._listed = [row for row in self._table if row.listed]
        self._by_extension = {row.extension: row for row in self._listed}
        self._by_media_type = {row.media_type: row for row in reversed(self._listed)}

    def formats(self) -> list[ListedFormat]:
        return [ListedFormat(row.extension, row.media_type, row.parser, self._route(row)) for row in self._listed]

    def route(
        self, filename: str, declared_media_type: str | None, head: bytes, size: int, path: Path | None = None
    ) -> Routed:
        """`head` is the file's first `HEAD_BYTES`, `size` its whole length, `path` where all of it lies.

        Raises EmptyFile, and UnsupportedFormat for what has no parser.
        """
        extension = _extension(filename)
        row = self._container(extension, head, path)
        if row is None:
            declared = (declared_media_type or "").partition(";")[0].strip().lower()
            row = self._row(extension, declared, _text(head, size))
        return Routed(row.media_type, row.extension, row.parser, self._route(row))

    def _route(self, row: Format) -> Route:
        return "gpu" if self._has_pool and row.parser == PAGED else "cpu"

    def _container(self, extension: str, head: bytes, path: Path | None) -> Format | None:
        """The row of a ZIP archive or a compound file; one that is damaged is taken for what its name says."""
        if paged := paged_extension(head, extension):
            return self._by_extension.get(paged)
        if archives.is_archive(head):
            with _opened(head, path) as file:
                found, possible = archives.archived_extension(file) or archives.extension_in(head), archives.EXTENSIONS
        elif head.startswith(compound.MAGIC):
            with _opened(head, path) as file:
                found, possible = compound.compound_extension(file), compound.EXTENSIONS
        elif whole := next((extension for magic, extension in WHOLE if head.startswith(magic)), None):
            return self._by_extension.get(whole)
        else:
            return None
        if found == compound.ENCRYPTED:
            found, possible = None, archives.EXTENSIONS
            extension = extension if extension in possible else "docx"
        return self._by_extension.get(found or (extension if extension in possible else ""))

    def _row(self, extension: str, declared: str, text: str) -> Format:
        seen = [row for row in self._table if row.is_seen_in(text)]
        if overruling := next((row for row in seen if row.overrules), None):
            return overruling
        hinted = self._by_extension.get(extension) or self._by_media_type.get(declared)
        if hinted:
            return PLAIN if hinted.required and hinted not in seen else hinted
        if seen or not extension:
            return seen[0] if seen else PLAIN
        known = ", ".join(row.extension for row in self._listed)
        raise UnsupportedFormat(f"files of type .{extension[:20]} are not supported; supported are: {known}")


def _opened(head: bytes, path: Path | None) -> BinaryIO:
    return path.open("rb") if path else BytesIO(head)


def _text(head: bytes, size: int) -> str:
    if size == 0 or not head:
        raise EmptyFile("the file has no content")
    if name := binary_name(head):
        raise UnsupportedFormat(f"this is {name}, which is not supported; GET /formats lists what is")
    text = peek(head)
    if text is None:
        name = likely_binary_name(head)
        raise UnsupportedFormat(f"this is {name}, not text in a known encoding; GET /formats lists what is supported")
    if size <= len(head) and is_blank(text):
        raise EmptyFile("the file holds nothing but white space")
    return text.lstrip("\ufeff")


def _extension(filename: str) -> str:
    name = filename.replace("\\", "/").rpartition("/")[2]
    stem, dot, extension = name.rpartition(".")
    return extension.strip().lower() if dot and stem else ""
