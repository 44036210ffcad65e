"""Finds on which printed page each block of a document begins."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from msgspec.structs import replace

from shared.parsing.document import Block
from shared.parsing.letters import letters_of

_PROBE = 40
"""Letters of a block's beginning that are looked for."""

_SHORT = 8
"""So few letters stand by chance in other words too: they are looked for close by, and move nothing."""

_CLOSE = 600
_WINDOW = 12_000
"""Letters, about four pages, within which a block is looked for behind the one before."""

_MOST_WINDOW = 120_000
"""The window grows by blocks that are not found, such as a picture's description."""


def place_blocks(blocks: Sequence[Block], texts: Sequence[str], headings_are_printed: bool = True) -> tuple[Block, ...]:
    """Returns the blocks with the page on which each begins; `texts` are the letters of the pages. A heading that is
    not found is on the page of the block after it, as the name of a sheet is; any other block on the page of the block
    before. Boxes are of other pages, and left out."""
    if not texts:
        return tuple(blocks)
    pages: list[int] = []
    found = list(_pages(blocks, texts, headings_are_printed))
    for block, page in zip(reversed(blocks), reversed(found), strict=True):
        is_lost_heading = page < 0 and block.kind in ("title", "heading")
        pages.append(pages[-1] if is_lost_heading and pages else abs(page))
    return tuple(replace(block, page=page, box=None) for block, page in zip(blocks, reversed(pages), strict=True))


def _pages(blocks: Sequence[Block], texts: Sequence[str], headings_are_printed: bool) -> Iterator[int]:
    """Yields the page of each block; negative, the page of the block before, where it is not found."""
    whole = "".join(texts)
    ends = list(accumulate(map(len, texts)))
    page, after, missed = 0, 0, 0
    for block in blocks:
        letters = letters_of(block.text)
        is_short = len(letters) < _SHORT
        window = _CLOSE if is_short else min(_WINDOW + missed, _MOST_WINDOW)
        is_printed = headings_are_printed or block.kind != "heading"
        place = _found(block, letters, whole[after : after + window]) if is_printed else None
        if place is None:
            missed += len(letters)
            yield -page - 1
            continue
        while ends[page] <= after + place:
            page += 1
        if not is_short:
            after, missed = min(after + place + len(letters), len(whole)), 0
        yield page + 1


def _found(block: Block, letters: str, text: str) -> int | None:
    """Returns where the block begins in the text: by its beginning, or by that of its first line without the mark."""
    probes = [letters[:_PROBE]]
    if block.kind in ("list", "table"):
        first, _, rest = block.text.partition("\n")
        probes += [letters_of(first)[:_PROBE], letters_of(first.partition(" ")[2])[:_PROBE], letters_of(rest)[:_PROBE]]
    places = (text.find(probe) for probe in probes if probe)
    return next((place for place in places if place >= 0), None)
