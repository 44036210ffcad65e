"""Adds to the blocks of layout analysis what it left out of the text layer, where it stands in reading order."""

from collections.abc import Sequence

from msgspec.structs import replace

from shared.parsing.document import Block
from shared.parsing.letters import letters_of
from shared.parsing.paged.text_blocks import TextPage, text_blocks
from shared.parsing.paged.text_layer import TextRun
from shared.types.passage import Box


def add_unowned(blocks: Sequence[Block], page: TextPage, number: int, body: float) -> list[Block]:
    """Returns the blocks with the runs that none of them holds."""
    whole = list(blocks)
    for runs in _areas(_unowned(blocks, page)):
        for block in text_blocks(replace(page, runs=runs), number, body):
            insert_block(whole, block)
    return whole


def _areas(runs: Sequence[TextRun]) -> list[list[TextRun]]:
    """Divides the runs at gaps between lines, and where two columns stand side by side whose lines are not level."""
    for axis in (1, 0):
        parts = _apart(runs, axis)
        if len(parts) > 1 and (axis or not _are_level(parts)):
            return [area for part in parts for area in _areas(part)]
    return [list(runs)] if runs else []


def _apart(runs: Sequence[TextRun], axis: int) -> list[list[TextRun]]:
    """Divides the runs where a gap goes through all of them: from the left (axis 0) or from the top (axis 1)."""
    parts: list[list[TextRun]] = []
    end = 0.0
    for run in sorted(runs, key=lambda run: run.box[axis]):
        if not parts or run.box[axis] - end > run.size:
            parts.append([])
            end = run.box[axis + 2]
        parts[-1].append(run)
        end = max(end, run.box[axis + 2])
    return parts


def _are_level(parts: Sequence[Sequence[TextRun]]) -> bool:
    """Whether most lines of the part with the fewest stand on lines of another, as the cells of a table do."""
    fewest = min(parts, key=len)
    others = [(run.box[1] + run.box[3]) / 2 for part in parts if part is not fewest for run in part]
    level = [run for run in fewest if any(abs(run.box[1] + run.box[3] - 2 * at) < 0.6 * run.size for at in others)]
    return len(level) > 0.6 * len(fewest)


def insert_block(blocks: list[Block], block: Block) -> None:
    """Inserts the block where it stands in reading order."""
    blocks.insert(_place(blocks, block), block)


def words_in_blocks(blocks: Sequence[Block], page: TextPage) -> tuple[int, int]:
    """Returns the words of the text layer, and how many of them are in the blocks."""
    words = sum(len(run.text.split()) for run in page.runs)
    missing = sum(len(run.text.split()) for run in _unowned(blocks, page))
    return words, words - missing


def _unowned(blocks: Sequence[Block], page: TextPage) -> list[TextRun]:
    """Returns the runs, or those words of them, that are in no block. A text that stands twice on the page has to be in
    the blocks twice."""
    texts = [letters_of(block.text) for block in blocks]
    # The longest first: a short number must not be taken out of the middle of a longer one.
    longest = sorted(page.runs, key=lambda run: len(run.text), reverse=True)
    orders = [(run, _nearest(blocks, page.fractions(run.box))) for run in longest]
    rest = [(run, order) for run, order in orders if not _take(texts, order, letters_of(run.text))]
    # A paragraph that goes on in the next column has the box of its first part alone.
    rest = [(run, order) for run, order in rest if not _take(texts, range(len(texts)), letters_of(run.text))]
    missing = []
    for run, order in rest:
        words = [word for word in run.text.split() if not _take(texts, order, letters_of(word))]
        if words:
            missing.append(replace(run, text=" ".join(words)))
    return missing


def _take(texts: list[str], order: Sequence[int], letters: str) -> bool:
    """Removes the letters from the first text that holds them."""
    if not letters:
        return True
    for place in order:
        found = texts[place].find(letters)
        if found >= 0:
            texts[place] = f"{texts[place][:found]} {texts[place][found + len(letters) :]}"
            return True
    return False


def _nearest(blocks: Sequence[Block], box: Box) -> list[int]:
    """Returns the places of the blocks that may hold what stands in the box: those around it, and those without a
    box."""
    across, down = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    near = []
    for place, block in enumerate(blocks):
        left, top, right, bottom = block.box or (0.0, 0.0, 1.0, 1.0)
        if left - 0.02 <= across <= right + 0.02 and top - 0.02 <= down <= bottom + 0.02:
            near.append(place)
    return near


def _place(blocks: Sequence[Block], block: Block) -> int:
    """Returns where the block belongs: first or last where it stands above or below everything, else behind the nearest
    one above it, else before the nearest below."""
    assert block.box
    left, top, right, bottom = block.box
    boxes = [(place, other.box) for place, other in enumerate(blocks) if other.box]
    if all(bottom <= box[1] + 0.005 for _, box in boxes):
        return 0
    if all(top >= box[3] - 0.005 for _, box in boxes):
        return len(blocks)
    middle = (top + bottom) / 2
    level = [(box[2], place) for place, box in boxes if box[2] <= left and box[1] <= middle <= box[3]]
    if level:
        return max(level)[1] + 1
    beside = [(place, box) for place, box in boxes if box[0] < right and left < box[2]] or boxes
    above = [(box[3], place) for place, box in beside if (box[1] + box[3]) / 2 <= middle]
    if above:
        return max(above)[1] + 1
    return min((box[1], place) for place, box in beside)[1]
