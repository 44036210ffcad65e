"""Documents of more elements than anybody reads, which would keep their parser busy for hours."""

import re
import zipfile
from collections.abc import Mapping
from itertools import pairwise

from msgspec import Struct

from shared.types.errors import Rejected


class ElementLimit(Struct, frozen=True):
    """Which parts of an archive are looked at, and how many paragraphs one may have."""

    parts: re.Pattern[str]
    paragraph: re.Pattern[bytes]
    most: int


MOST_PARAGRAPHS = 400_000
"""Three times what 2,000 full pages have; Docling takes half a millisecond for each."""

MOST_ON_A_SLIDE = 20_000
MOST_PIECES = 10_000
"""In one paragraph, of which Docling compares each with all others."""

LEAST_OF_A_PIECE = 5
"""Bytes."""

_PARAGRAPH = re.compile(rb"<(?:\w+:)?p[\s/>]")
_RUN = re.compile(rb"<(?:\w+:)?r[\s/>]")
_OPEN_PARAGRAPH = re.compile(rb"<text:[ph][\s/>]")
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"

MEASURES: Mapping[str, ElementLimit] = {
    f"{_OFFICE}.wordprocessingml.document": ElementLimit(re.compile(r"word/[^/]+\.xml"), _PARAGRAPH, MOST_PARAGRAPHS),
    f"{_OFFICE}.presentationml.presentation": ElementLimit(
        re.compile(r"ppt/(?:slides|notesSlides)/[^/]+\.xml"), _PARAGRAPH, MOST_ON_A_SLIDE
    ),
    f"{_OPEN}.text": ElementLimit(re.compile(r"content\.xml"), _OPEN_PARAGRAPH, MOST_PARAGRAPHS),
    f"{_OPEN}.presentation": ElementLimit(re.compile(r"content\.xml"), _OPEN_PARAGRAPH, MOST_PARAGRAPHS),
}


def check_elements(media_type: str, archive: zipfile.ZipFile) -> None:
    """Raises Rejected("too-large-expanded")."""
    if measure := MEASURES.get(media_type):
        for entry in archive.infolist():
            if measure.parts.fullmatch(entry.filename):
                _check(archive.read(entry), measure)


def _check(part: bytes, measure: ElementLimit) -> None:
    places = [found.start() for found in measure.paragraph.finditer(part)]
    if len(places) > measure.most:
        raise Rejected("too-large-expanded", f"it has {len(places)} paragraphs in one part; {measure.most} are taken")
    for start, end in pairwise([*places, len(part)]):
        if end - start > LEAST_OF_A_PIECE * MOST_PIECES and len(_RUN.findall(part, start, end)) > MOST_PIECES:
            raise Rejected("too-large-expanded", f"a paragraph in it has more than {MOST_PIECES} pieces")
