"""Tells sentences from headings, where only a page's look was asked: large letters alone make no heading."""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from shared.parsing.document import Block
from shared.parsing.paged.plain import joined
from shared.types.passage import Box, around

FARTHEST = 1.0
"""Between the parts of a sentence, in heights of the lesser one at most."""

_SENTENCE = re.compile(r"[.!?。！？]['\"”’»)\]]*$")
_TEXT = ("heading", "paragraph")


def spoken(blocks: Sequence[Block]) -> list[Block]:
    """A heading that ends as a sentence does is a paragraph; what goes on close below it in lower case is one block
    with it, and so is a paragraph's rest."""
    whole: list[Block] = []
    for block in blocks:
        if whole and _goes_on(whole[-1], block):
            whole[-1] = _together(whole[-1], block)
        else:
            whole.append(block)
    return [_said(block) for block in whole]


def _goes_on(upper: Block, lower: Block) -> bool:
    if upper.kind not in _TEXT or lower.kind not in _TEXT or _SENTENCE.search(upper.text):
        return False
    return lower.text[:1].islower() and _is_below(upper.box, lower.box)


def _is_below(upper: Box | None, lower: Box | None) -> bool:
    """Close, and not beside it."""
    if upper is None or lower is None:
        return False
    gap, height = lower[1] - upper[3], min(lower[3] - lower[1], upper[3] - upper[1])
    return -height / 2 < gap < FARTHEST * height and max(upper[0], lower[0]) < min(upper[2], lower[2])


def _together(upper: Block, lower: Block) -> Block:
    """A heading only if both are."""
    text = joined(iter([upper.text, lower.text]))
    box = around(box for box in (upper.box, lower.box) if box)
    return replace(upper if upper.kind == "paragraph" else lower, text=text, box=box)


def _said(block: Block) -> Block:
    is_sentence = block.kind == "heading" and _SENTENCE.search(block.text)
    return replace(block, kind="paragraph", level=0) if is_sentence else block
