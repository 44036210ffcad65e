"""The first bytes of files that are not text."""

from msgspec import Struct


class Signature(Struct, frozen=True):
    """Bytes at an offset that only this kind of file has there; `name` fits into "this is …"."""

    name: str
    magic: bytes
    offset: int = 0

    def matches(self, head: bytes) -> bool:
        return head.startswith(self.magic, self.offset)


STRONG = (
    Signature("a PDF document", b"%PDF-"),
    Signature("a PostScript file", b"%!PS-"),
    Signature("a PNG image", b"\x89PNG\r\n\x1a\n"),
    Signature("a JPEG image", b"\xff\xd8\xff"),
    Signature("a TIFF image", b"II*\x00"),
    Signature("a TIFF image", b"MM\x00*"),
    Signature("a legacy Office document", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    Signature("a gzip archive", b"\x1f\x8b"),
    Signature("an xz archive", b"\xfd7zXZ\x00"),
    Signature("a 7z archive", b"7z\xbc\xaf\x27\x1c"),
    Signature("a RAR archive", b"Rar!\x1a\x07"),
    Signature("a Zstandard archive", b"\x28\xb5\x2f\xfd"),
    Signature("an ELF program", b"\x7fELF"),
    Signature("a SQLite database", b"SQLite format 3\x00"),
    Signature("a Java class", b"\xca\xfe\xba\xbe"),
    Signature("a WebAssembly module", b"\x00asm"),
    Signature("an MP4 or HEIF file", b"ftyp", 4),
)
"""These decide alone: no text that anybody means to upload begins like this."""

WEAK = (
    Signature("a GIF image", b"GIF8"),
    Signature("a BMP image", b"BM"),
    Signature("a WebP image", b"WEBP", 8),
    Signature("a RIFF file", b"RIFF"),
    Signature("an Ogg file", b"OggS"),
    Signature("an MP3 file", b"ID3"),
    Signature("a Photoshop image", b"8BPS"),
    Signature("a Parquet file", b"PAR1"),
    Signature("a Windows program", b"MZ"),
    Signature("a bzip2 archive", b"BZh"),
)
"""Plain letters, with which a text may begin too: they only name what is known not to be text."""

_IN_ZIP = (
    (b"word/", "a Word document (docx)"),
    (b"xl/", "an Excel workbook (xlsx)"),
    (b"ppt/", "a PowerPoint presentation (pptx)"),
    (b"application/epub+zip", "an EPUB book"),
    (b"opendocument.text", "an OpenDocument text (odt)"),
    (b"opendocument.spreadsheet", "an OpenDocument spreadsheet (ods)"),
    (b"opendocument.presentation", "an OpenDocument presentation (odp)"),
)


def binary_name(head: bytes) -> str | None:
    """The name of what `head` certainly is, or None when it may be text."""
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return next((name for mark, name in _IN_ZIP if mark in head), "a ZIP archive")
    return next((signature.name for signature in STRONG if signature.matches(head)), None)


def likely_binary_name(head: bytes) -> str:
    """The best name for what is known not to be text."""
    return next((signature.name for signature in WEAK if signature.matches(head)), "binary data")


_BITMAP_HEADERS = frozenset((12, 40, 52, 56, 64, 108, 124))


def paged_extension(head: bytes, extension: str) -> str | None:
    """The extension of the format whose documents are pages: PDF, or one of pictures."""
    if head.lstrip().startswith(b"%PDF-") or (extension == "pdf" and b"%PDF-" in head[:1024]):
        return "pdf"
    if head.startswith(b"BM") and head[15:18] == b"\0\0\0" and head[14] in _BITMAP_HEADERS:
        return "bmp"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    known = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpg"), (b"II*\x00", "tiff"), (b"MM\x00*", "tiff"))
    return next((extension for magic, extension in known if head.startswith(magic)), None)
