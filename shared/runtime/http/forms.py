"""Parses a multipart form while it arrives: the file goes to disk and is hashed, the fields go to memory."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from shared.intake.spool import SpoolWriter
from shared.runtime.http.dispositions import decoded_words, extended_filename
from shared.types.errors import InvalidRequest, TooLarge, UnsupportedMediaType
from shared.types.http import SpooledFile

_LONGEST_FIELD = 64 * 1024


class Form(Struct):
    """The parts that were received."""

    fields: dict[str, Any]
    file: SpooledFile | None = None


async def receive(
    content_type: str, chunks: AsyncIterator[bytes], folder: Path | None, largest: int, file_field: str
) -> Form:
    """Reads the whole form. The caller removes the spooled file where it is not taken over.

    Raises `UnsupportedMediaType`, `InvalidRequest` and `TooLarge`; nothing is left on disk then.
    """
    media_type, options = parse_options_header(content_type)
    if media_type != "multipart/form-data":
        raise UnsupportedMediaType("Send the file as `multipart/form-data`, in the field `file`.")
    if not options.get("boundary"):
        raise InvalidRequest("The `Content-Type` of the form names no boundary.")
    reader = _Reader(folder, largest, file_field)
    try:
        with PushMultipartParser(options["boundary"], max_segment_count=64, strict=False) as parser:
            async for chunk in chunks:
                if chunk:  # to the parser nothing means the end
                    await asyncio.to_thread(reader.take, parser, chunk)
    except MultipartError as error:
        reader.discard()
        raise InvalidRequest(f"The form cannot be read: {error.args[0]}.") from None
    except BaseException:
        reader.discard()
        raise
    return reader.form


class _Reader:
    """Collects the parts of a form."""

    def __init__(self, folder: Path | None, largest: int, file_field: str) -> None:
        self.form = Form({})
        self._folder = folder
        self._largest = largest
        self._file_field = file_field
        self._segment: MultipartSegment | None = None
        self._file: SpoolWriter | None = None
        self._filename = ""
        self._text = b""

    def take(self, parser: PushMultipartParser, chunk: bytes) -> None:
        for part in parser.parse(chunk):
            if isinstance(part, MultipartSegment):
                self._begin(part)
            elif part is None:
                self._end()
            else:
                self._piece(bytes(part))

    def discard(self) -> None:
        if self._file:
            self._file.discard()
        if self.form.file:
            self.form.file.path.unlink(missing_ok=True)

    def _begin(self, segment: MultipartSegment) -> None:
        self._segment, self._text = segment, b""
        if segment.name in self.form.fields or (segment.name == self._file_field and self.form.file):
            raise InvalidRequest(f"The form has the field `{segment.name}` twice.")
        if segment.name == self._file_field:
            filename = _filename(segment)
            if filename is None:
                raise InvalidRequest("The field `file` has no file name.")
            self._filename = filename
            self._file = SpoolWriter(self._folder, self._largest)

    def _piece(self, piece: bytes) -> None:
        if self._file:
            self._file.write(piece)
            return
        self._text += piece
        if len(self._text) > _LONGEST_FIELD:
            raise TooLarge(f"A field of the form is longer than {_LONGEST_FIELD} bytes.")

    def _end(self) -> None:
        if self._segment is None:
            return
        if self._file:
            media_type = self._segment.content_type or "application/octet-stream"
            self.form.file, self._file = self._file.finish(self._filename, media_type), None
        else:
            self.form.fields[self._segment.name] = _text(self._segment.name, self._text)
        self._segment = None


def _filename(segment: MultipartSegment) -> str | None:
    extended = extended_filename(segment.header("Content-Disposition", ""))
    if extended is not None or segment.filename is None:
        return extended
    return decoded_words(segment.filename)


def _text(name: str, raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(f"The field `{name}` is not UTF-8.") from None
