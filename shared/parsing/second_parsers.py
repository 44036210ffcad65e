"""The parsers that are tried after the first one, where it fails on a document or finds no words in it."""

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO

from shared.parsing.legacy.parsers import EXTENSIONS
from shared.parsing.limits import MIB
from shared.parsing.office.targets import CONVERTIBLE, OFFICE

RETRIED = frozenset({"corrupt", "empty"})
"""The refusals after which another parser is tried; every other one holds for all of them."""

LEGACY = "legacy"
_HIDING = re.compile(
    rb"""w:vanish|w:webHidden|<w:del[ >]|<w:moveFrom[ >]|w:val=["']f{6}["']|<a:srgbClr\s+val=["']f{6}["']
    |hidden=["'](?:1|true|collapse)|state=["'](?:veryH|h)idden|show=["']0["']
    |display\s*[:=]\s*["']?none|visibility\s*[:=]\s*["']?(?:hidden|collapse)|tracked-changes|text:hidden
    |color\s*[:=]\s*["']?\#f{3}""",
    re.IGNORECASE | re.VERBOSE,
)
_MOST_PART = 16 * MIB
_MARKUP = (".xml", ".xhtml", ".html", ".htm", ".css")


def parsers_for(parser: str, media_type: str, *, has_office: bool) -> list[str]:
    """Returns the parsers that know the format, in the order in which they are tried."""
    others = [LEGACY] if media_type in EXTENSIONS else []
    others += [OFFICE] if has_office and media_type in CONVERTIBLE else []
    return [parser, *(other for other in others if other != parser)]


def may_hide_text(content: bytes) -> bool:
    """Whether a document may hold text that its reader does not see. Only the first parser leaves such text
    out, so that no other one may read the document."""
    try:
        return any(map(_HIDING.search, _parts(content)))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError, RuntimeError):
        return False


def _parts(content: bytes) -> Iterator[bytes]:
    if not content.startswith(b"PK"):
        yield content.replace(b"\0", b"")  # in UTF-16, too
        return
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for entry in archive.infolist():
            if entry.filename.lower().endswith(_MARKUP):
                with archive.open(entry) as part:
                    yield part.read(_MOST_PART)
