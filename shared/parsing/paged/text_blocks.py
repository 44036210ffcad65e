"""Builds blocks from the text runs of a page, by the gaps between lines and the sizes of their letters."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

from msgspec import Struct

from shared.parsing.document import Block, ElementKind
from shared.parsing.paged.annotations import PageLink, PageNote
from shared.parsing.paged.rulings import Ruling
from shared.parsing.paged.table_words import joined_in_direction
from shared.parsing.paged.text_layer import TextRun
from shared.types.passage import Box, around

HEADING_GROWTH = 1.12
"""A line is a heading where its letters are larger than the text's by this factor."""

LONGEST_HEADING = 160
_BULLET = re.compile(r"([•◦▪■●○‣∙·–—*-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+(?=\S)")
_NUMBER = re.compile(r"(\d{1,3}(?:\.\d{1,3}){0,5})\.?\s+\S")
_END = re.compile(r"[.!?:;。！？]['\"”’»)\]]*$")
_DIVIDED = re.compile(r"[^\W\d_]-$")


class TextLine(Struct, frozen=True):
    text: str
    box: Box
    size: float
    bold: bool = False


class TextPage(Struct, frozen=True):
    """A page's text layer. `pictures` is the share of the page that pictures cover; `has_content` says that the page is
    not blank. `fields` counts those of a form that are among the runs, `hidden` is what its reader does not see."""

    runs: Sequence[TextRun]
    width: float
    height: float
    pictures: float = 0.0
    has_content: bool = False
    fields: int = 0
    hidden: Sequence[TextRun] = ()
    hidden_annotations: int = 0
    links: Sequence[PageLink] = ()
    notes: Sequence[PageNote] = ()
    rulings: Sequence[Ruling] = ()

    @property
    def letters(self) -> int:
        return sum(len(run.text) for run in self.runs)

    @property
    def hidden_words(self) -> int:
        return self.hidden_annotations + sum(len(run.text.split()) for run in self.hidden)

    def fractions(self, box: Box) -> Box:
        left, top, right, bottom = box
        return (
            _share(left, self.width),
            _share(top, self.height),
            _share(right, self.width),
            _share(bottom, self.height),
        )


def _share(length: float, whole: float) -> float:
    return round(min(max(length / whole, 0.0), 1.0), 4)


def rows_of_runs(runs: Sequence[TextRun]) -> list[list[TextRun]]:
    """Groups runs that stand side by side, rows from the top."""
    rows: list[list[TextRun]] = []
    for run in sorted(runs, key=_middle):
        first = rows[-1][0] if rows else None
        if first and abs(_middle(first) - _middle(run)) < 0.3 * (first.box[3] - first.box[1]):
            rows[-1].append(run)
        else:
            rows.append([run])
    return [sorted(row, key=lambda run: run.box[0]) for row in rows]


def lines_of(runs: Sequence[TextRun]) -> list[TextLine]:
    """Returns one line for each row, whatever gaps it has; its size and weight are those of its longest run."""
    lines = []
    for row in rows_of_runs(runs):
        longest = max(row, key=lambda run: len(run.text))
        text = joined_in_direction([run.text for run in row])
        lines.append(TextLine(text, around(run.box for run in row), longest.size, longest.bold))
    return lines


def body_size(lines: Sequence[TextLine | TextRun]) -> float:
    """Returns the size of most letters, in points; 0 without any."""
    letters: dict[float, int] = {}
    for line in lines:
        size = round(line.size * 2) / 2
        letters[size] = letters.get(size, 0) + len(line.text)
    return max(letters, key=lambda size: (letters[size], -size), default=0.0)


def heading_level(text: str, size: float, body: float) -> int:
    """Returns 1 to 6: by the depth of the heading's number where it has one, else by the size of its letters."""
    if found := _NUMBER.match(text):
        return min(2 + found[1].count("."), 6)
    growth = size / body if body else 1.0
    return 1 if growth >= 1.7 else 2 if growth >= 1.3 else 3


def text_blocks(page: TextPage, number: int, body: float) -> list[Block]:
    """Returns the page's blocks from the top to the bottom; `body` is the size of the document's text, in points."""
    lines = lines_of(page.runs)
    return [_block(group, page, number, body) for group in _groups(lines, body)]


def _groups(lines: list[TextLine], body: float) -> Iterator[list[TextLine]]:
    if not lines:
        return
    steps = [step for one, other in pairwise(lines) if 0 < (step := _middle(other) - _middle(one)) < 4 * one.size]
    pitch = median(steps) if steps else 1.2 * lines[0].size  # the usual distance between the middles of two lines
    group = [lines[0]]
    for before, line in pairwise(lines):
        if _begins_block(group, before, line, body, pitch):
            yield group
            group = []
        group.append(line)
    yield group


def _middle(line: TextLine | TextRun) -> float:
    return (line.box[1] + line.box[3]) / 2


def _begins_block(group: list[TextLine], before: TextLine, line: TextLine, body: float, pitch: float) -> bool:
    """Whether a line begins another block."""
    is_item, in_list = bool(_BULLET.match(line.text)), bool(_BULLET.match(group[0].text))
    usual = max(1.35 * pitch, 1.45 * max(before.size, line.size)) if not in_list else 2.2 * pitch
    if _middle(line) - _middle(before) > usual:
        return True
    if is_heading(before, body) != is_heading(line, body) or abs(line.size - before.size) > 0.12 * before.size:
        return True
    if is_item != in_list:
        return is_item or line.box[0] < group[0].box[0] + 0.5 * line.size
    return not in_list and _is_indented(group, before, line)


def _is_indented(group: list[TextLine], before: TextLine, line: TextLine) -> bool:
    """Whether a paragraph begins without a gap: its first line is indented, after a sentence's end."""
    left = min(one.box[0] for one in group[1:] or group)
    return len(group) > 1 and line.box[0] > left + line.size and bool(_END.search(before.text))


def is_heading(line: TextLine, body: float) -> bool:
    if len(line.text) > LONGEST_HEADING or not any(map(str.isalpha, line.text)):
        return False
    if line.size >= HEADING_GROWTH * body:
        return True
    return line.bold and line.size >= 0.98 * body and not _END.search(line.text) and len(line.text) < 100


def _block(lines: list[TextLine], page: TextPage, number: int, body: float) -> Block:
    box = page.fractions(around(line.box for line in lines))
    if all(is_heading(line, body) for line in lines) and len(lines) <= 4:
        text = joined(line.text for line in lines)
        return Block("heading", text, heading_level(text, lines[0].size, body), page=number, box=box)
    kind, text = text_of(line.text for line in lines)
    return Block(kind, text, page=number, box=box)


def text_of(lines: Iterator[str]) -> tuple[ElementKind, str]:
    """Joins lines to a list where the first one is an item, else to a paragraph."""
    items: list[list[str]] = []
    for line in lines:
        if not items or _BULLET.match(line):
            items.append([])
        items[-1].append(line)
    if not _BULLET.match(items[0][0]):
        return "paragraph", joined(line for item in items for line in item)
    return "list", "\n".join(marked(joined(iter(item))) for item in items)


def marked(item: str) -> str:
    """Returns a list's item with its mark in Markdown; a letter or a bracket as mark stays in the text."""
    found = _BULLET.match(item)
    mark = found[1].lstrip("(") if found else ""
    if not found or mark[0].isalpha() or found[1].startswith("("):
        return f"- {item}"
    return f"{mark if mark[0].isdigit() else '-'} {item[found.end() :]}"


def joined(lines: Iterator[str]) -> str:
    """Joins lines to one text; a word that was divided between two lines is whole again."""
    text = ""
    for line in lines:
        is_one_word = _DIVIDED.search(text) and line[:1].islower()
        text = text[:-1] + line if is_one_word else f"{text} {line}".lstrip()
    return text
