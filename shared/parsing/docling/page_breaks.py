"""Pages of a Word document, where the file itself tells where they end.

A mark with the page's number is put into the text at each break before Docling reads it, and taken out of what it read.
"""

import re
import zipfile
from io import BytesIO
from itertools import count
from typing import Any

from docling_core.types.doc.common.content_layer import ContentLayer

from shared.parsing.docling.office_packages import rewritten

MAIN = "word/document.xml"
_LAID_OUT = re.compile(rb"<w:lastRenderedPageBreak\s*/>")
_ASKED_FOR = re.compile(rb"<w:br\s(?:[^<>]*\s)?w:type=\"page\"[^<>]*/>")
_ZERO = 0xF1A00
_TO_MARK = {ord("0") + digit: _ZERO + digit for digit in range(10)}
_FROM_MARK = {mark: digit for digit, mark in _TO_MARK.items()}
_BEGIN, _END = chr(_ZERO + 10), chr(_ZERO + 11)
_MARK = re.compile(f"{_BEGIN}([{chr(_ZERO)}-{chr(_ZERO + 9)}]{{1,9}}){_END}")
"""Characters of a private plane, which no font and no document here uses."""


def with_page_marks(content: bytes) -> bytes:
    """Breaks that Word found when it laid the text out, else those that somebody asked for; without any, as it is."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if MAIN not in archive.namelist():
            return content
        text = archive.read(MAIN)
        breaks = next((each for each in (_LAID_OUT, _ASKED_FOR) if each.search(text)), None)
        if breaks is None:
            return content
        pages = (str(page).translate(_TO_MARK) for page in count(2))
        text = breaks.sub(lambda _: f"<w:t>{_BEGIN}{next(pages)}{_END}</w:t>".encode(), text)
        return rewritten(archive, {MAIN: text}.get)


def take_page_marks(document: Any) -> dict[str, int]:
    """The page on which each item begins, by its reference; none where there was no mark. Changes the texts."""
    pages: dict[str, int] = {}
    page, marked = 1, False
    layers = {ContentLayer.BODY, ContentLayer.NOTES, ContentLayer.FURNITURE}
    for item, _ in document.iterate_items(included_content_layers=layers, traverse_pictures=True):
        holders = [item] if hasattr(item, "text") else list(getattr(getattr(item, "data", None), "table_cells", ()))
        begins = page
        for place, holder in enumerate(holders):
            found = [int(digits.translate(_FROM_MARK)) for digits in _MARK.findall(holder.text)]
            if found and not place and _MARK.match(holder.text.lstrip()):
                begins = found[0]
            if found:
                page, marked = found[-1], True
                holder.text = _MARK.sub("", holder.text)
                if hasattr(holder, "orig"):
                    holder.orig = holder.text
        pages[item.self_ref] = begins
    return pages if marked else {}
