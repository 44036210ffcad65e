"""Reads the letters of each page, by which text that was read elsewhere is found on it."""

from shared.parsing.letters import letters_of
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.page_source import open_pages
from shared.parsing.time_limits import time_limit
from shared.types.errors import Rejected


def page_texts(media_type: str, content: bytes, limits: ParsingLimits) -> tuple[str, ...]:
    """Raises Rejected("too-large-expanded") where all pages together have too many letters."""
    pages = open_pages(media_type, content, limits)
    texts, left = [], limits.expanded_bytes
    for number in range(1, len(pages) + 1):
        with time_limit(limits.page_seconds):
            texts.append(letters_of("".join(run.text for run in pages.page(number).runs)))
        left -= len(texts[-1].encode())
        if left < 0:
            raise Rejected("too-large-expanded", f"its text exceeds {limits.expanded_bytes} bytes")
    return tuple(texts)
