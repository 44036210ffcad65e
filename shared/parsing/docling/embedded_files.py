"""Documents inside of office packages: whole packages, and objects in compound files (OLE)."""

import struct
import zipfile
from collections.abc import Iterator
from io import BytesIO

from shared.formats import compound
from shared.parsing.attachments import Attachment
from shared.parsing.docling.office_packages import related

_FOLDERS = ("word/embeddings/", "ppt/embeddings/", "xl/embeddings/")
_NATIVE = "\x01Ole10Native"
_WHOLE = ("Package", "CONTENTS", "EmbeddedOdf")
_EQUATION = "Equation Native"


def embedded_files(content: bytes) -> list[Attachment]:
    """Each document that is embedded; the sheets behind charts are not, as a chart shows their values."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name.startswith(_FOLDERS) and not name.endswith("/")]
        if not names:
            return []
        charts = [name for name in archive.namelist() if "/charts/" in name and name.endswith(".xml")]
        behind = {name for chart in charts if "/_rels/" not in chart for name in related(archive, chart, "package")}
        return [file for name in names if name not in behind for file in _files(name, archive.read(name))]


def _files(name: str, content: bytes) -> Iterator[Attachment]:
    import olefile

    name = name.rpartition("/")[2]
    if not content.startswith(compound.MAGIC) or compound.compound_extension(BytesIO(content)):
        yield Attachment(name, content)
        return
    try:
        with olefile.OleFileIO(BytesIO(content)) as file:
            streams = {"/".join(path): file.openstream(path).read() for path in file.listdir()}
    except (OSError, ValueError, IndexError, TypeError, struct.error):
        streams = {}
    whole = next((streams[each] for each in _WHOLE if streams.get(each)), b"")
    if _NATIVE in streams:
        yield _native(name, streams[_NATIVE])
    elif _EQUATION not in streams:
        yield Attachment(name, whole or content)


def _native(name: str, stream: bytes) -> Attachment:
    """A file that was dropped into the document: its label, two paths, its bytes."""
    try:
        label, place = _string(stream, 6)
        _, place = _string(stream, place)
        (_, length) = struct.unpack_from("<II", stream, place)
        place += 8 + length
        (size,) = struct.unpack_from("<I", stream, place)
        return Attachment(label.decode("cp1252", "replace") or name, stream[place + 4 : place + 4 + size])
    except (struct.error, ValueError):
        return Attachment(name, stream[4:])


def _string(stream: bytes, place: int) -> tuple[bytes, int]:
    end = stream.index(b"\0", place)
    return stream[place:end], end + 1
