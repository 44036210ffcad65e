"""Corrects blocks of OCR by their sentences: large letters alone do not make a heading."""

import re
from collections.abc import Sequence

from msgspec.structs import replace

from shared.parsing.document import Block
from shared.parsing.paged.text_blocks import joined
from shared.types.passage import around

FARTHEST = 1.0
"""Largest gap between the parts of a sentence, in heights of the smaller one."""

_SENTENCE = re.compile(r"[.!?。！？]['\"”’»)\]]*$")
_TEXT = ("heading", "paragraph")


def repair_sentences(blocks: Sequence[Block]) -> list[Block]:
    """Makes a heading that ends like a sentence a paragraph, and merges a block with the one above whose sentence it
    continues."""
    whole: list[Block] = []
    for block in blocks:
        if whole and _continues(whole[-1], block):
            upper = whole.pop()
            text = joined(iter([upper.text, block.text]))
            box = around(each for each in (upper.box, block.box) if each)
            # It is a heading only if both are headings.
            whole.append(replace(upper if upper.kind == "paragraph" else block, text=text, box=box))
        else:
            whole.append(block)
    return [
        replace(block, kind="paragraph", level=0) if block.kind == "heading" and _SENTENCE.search(block.text) else block
        for block in whole
    ]


def _continues(upper: Block, lower: Block) -> bool:
    """Whether the lower block goes on in lower case, close below the upper one and not beside it."""
    if upper.kind not in _TEXT or lower.kind not in _TEXT or _SENTENCE.search(upper.text):
        return False
    above, below = upper.box, lower.box
    if above is None or below is None or not lower.text[:1].islower():
        return False
    gap, height = below[1] - above[3], min(below[3] - below[1], above[3] - above[1])
    return -height / 2 < gap < FARTHEST * height and max(above[0], below[0]) < min(above[2], below[2])
