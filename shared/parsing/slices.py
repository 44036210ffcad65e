"""Puts slices of pages together to a document."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from shared.formats.table import PAGED
from shared.parsing.document import Block, ParsedDocument, Slice
from shared.types.errors import Rejected
from shared.types.text import safe_title

EDGE = 0.09
"""Share of a page's height at its top and its bottom where running heads and page numbers stand."""

_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"""[\s\-–—|./]*
        (?:(?:page|seite|p\.|s\.)\s*)?
        (?:\d{1,5}|[ivxlc]{1,7})
        (?:\s*(?:/|of|von)\s*\d{1,5})?
        [\s\-–—|.]*""",
    re.IGNORECASE | re.VERBOSE,
)


def join_slices(slices: Sequence[Slice]) -> ParsedDocument:
    """Raises Rejected("ocr-unavailable") and ("empty") where no page had words."""
    blocks = [block for one in slices for block in one.blocks]
    remaining = tuple(_without_running(blocks, slices[-1].pages))
    if not any(_has_words(block) for block in remaining):
        if any(one.unread for one in slices):
            raise Rejected("ocr-unavailable", "its pages are pictures, and nothing is installed here to read them")
        raise Rejected("empty", "the document holds no words")
    # The title is the highest heading at the beginning, else the one in the file's metadata.
    headings = [block for block in remaining if block.kind == "heading" and (block.page or 1) <= 2]
    title = min(headings, key=lambda block: block.level).text if headings else slices[0].title
    return ParsedDocument(
        remaining,
        safe_title(title)[:300],
        slices[-1].pages,
        hidden_words=sum(one.hidden_words for one in slices),
        page_readings=tuple(reading for one in slices for reading in one.page_readings),
        parser=PAGED,
    )


def _has_words(block: Block) -> bool:
    is_number = _is_at_edge(block) and _PAGE_NUMBER.fullmatch(block.text)
    return not is_number and any(map(str.isalnum, block.text))


def _without_running(blocks: list[Block], pages: int) -> Iterator[Block]:
    """Without page numbers, where several pages have one, and without what stands at the edge of many pages alike."""
    alike = Counter(_pattern(block) for block in blocks if _is_at_edge(block))
    often = max(3, 0.3 * pages)
    numbered = len({block.page for block in blocks if _is_at_edge(block) and _PAGE_NUMBER.fullmatch(block.text)})
    for block in blocks:
        is_number = numbered > 1 and _PAGE_NUMBER.fullmatch(block.text)
        if not _is_at_edge(block) or not (is_number or alike[_pattern(block)] >= often):
            yield block


def _pattern(block: Block) -> tuple[str, bool]:
    """Equal for the heads of two pages that differ only in numbers."""
    assert block.box
    return _DIGITS.sub("0", block.text), block.box[1] < 0.5


def _is_at_edge(block: Block) -> bool:
    if block.box is None or len(block.text) > 200 or block.kind not in ("paragraph", "heading", "list"):
        return False
    return block.box[3] < EDGE or block.box[1] > 1 - EDGE
