"""The labels of lists and headings of OpenDocument texts (`Article II.`, `(b)`, `2.1`), written into their paragraphs:
Docling numbers every list in figures, and no heading."""

import re
from collections.abc import Iterator
from typing import Any

from shared.parsing.docling.open_styles import STYLE, TEXT
from shared.parsing.spelled_numbers import spelled

_FORMATS = {"1": "decimal", "I": "upperRoman", "i": "lowerRoman", "A": "upperLetter", "a": "lowerLetter"}
_CELL = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}table-cell"
_ID = "{http://www.w3.org/XML/1998/namespace}id"
_PLACE = re.compile(r"%(\d{1,2})%")

Levels = dict[int, Any]


def labels_written(text: Any, *trees: Any) -> None:
    """Labels the headings of a text, and the lists that are not numbered 1, 2, 3. `trees` hold the styles."""
    styles = {
        style.get(f"{STYLE}name", ""): _levels(style) for tree in trees for style in tree.iter(f"{TEXT}list-style")
    }
    outline = next((_levels(style) for tree in trees for style in tree.iter(f"{TEXT}outline-style")), {})
    _headings_labelled(text, outline)
    continued: dict[str, dict[int, int]] = {}
    for each in list(text.iter(f"{TEXT}list", f"{TEXT}numbered-paragraph")):
        if next(each.iterancestors(f"{TEXT}list"), None) is not None:
            continue
        name = each.get(f"{TEXT}style-name", "")
        levels = styles.get(name, {})
        if each.tag == f"{TEXT}numbered-paragraph":
            numbers = continued.setdefault(each.get(f"{TEXT}list-id", name), {})
            level = _whole(each, "level", 1)
            _count(each, level, levels, numbers)
            _open(each, _labelled(list(each), _label(level, levels, numbers)))
        elif next(each.iterancestors(_CELL), None) is not None or not _is_plain(each, levels, styles):
            goes_on = each.get(f"{TEXT}continue-numbering") == "true" and name
            numbers = continued.get(each.get(f"{TEXT}continue-list") or goes_on or "", {})
            continued[name] = continued[each.get(_ID, name)] = numbers
            _open(each, list(_blocks(each, 1, levels, styles, numbers)))


def _levels(style: Any) -> Levels:
    return {_whole(level, "level", 1): level for level in style if level.get(f"{TEXT}level")}


def _whole(element: Any, name: str, otherwise: int) -> int:
    value = element.get(f"{TEXT}{name}", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else otherwise


def _headings_labelled(text: Any, outline: Levels) -> None:
    numbers: dict[int, int] = {}
    for heading in text.iter(f"{TEXT}h"):
        in_list = next(heading.iterancestors(f"{TEXT}list"), None) is not None
        if in_list or heading.get(f"{TEXT}is-list-header") == "true" or not "".join(heading.itertext()).strip():
            continue
        level = _whole(heading, "outline-level", 1)
        _count(heading, level, outline, numbers)
        if level in outline and outline[level].get(f"{STYLE}num-format"):
            _labelled([heading], _label(level, outline, numbers))


def _is_plain(items: Any, levels: Levels, styles: dict[str, Levels]) -> bool:
    """Whether Docling labels the list as it is seen: with bullets, or with figures from 1 on."""
    depth = 1 + max((len(list(each.iterancestors(f"{TEXT}list"))) for each in items.iter(f"{TEXT}list")), default=0)
    inner = (styles.get(each.get(f"{TEXT}style-name", ""), {}) for each in items.iter(f"{TEXT}list"))
    if any(item.get(f"{TEXT}start-value") for item in items.iter(f"{TEXT}list-item")):
        return False
    used = (style for each in (levels, *inner) for level, style in each.items() if level <= depth)
    return all(
        style.tag != f"{TEXT}list-level-style-number"
        or (
            style.get(f"{STYLE}num-format", "") in {"", "1"}
            and not style.get(f"{STYLE}num-prefix")
            and style.get(f"{STYLE}num-suffix", "") in {"", ".", ")"}
            and _whole(style, "display-levels", 1) == _whole(style, "start-value", 1) == 1
        )
        for style in used
    )


def _blocks(
    items: Any, level: int, levels: Levels, styles: dict[str, Levels], numbers: dict[int, int]
) -> Iterator[Any]:
    """Yields the paragraphs of a list, those that begin an item with its label."""
    levels = styles.get(items.get(f"{TEXT}style-name", ""), levels)
    for item in items:
        label = ""
        if item.tag == f"{TEXT}list-item":
            _count(item, level, levels, numbers)
            label = _label(level, levels, numbers)
        for block in list(item):
            if block.tag == f"{TEXT}list":
                yield from _blocks(block, level + 1, levels, styles, numbers)
            else:
                yield from _labelled([block], label)
                label = ""


def _count(item: Any, level: int, levels: Levels, numbers: dict[int, int]) -> None:
    first = _whole(levels[level], "start-value", 1) if level in levels else 1
    numbers[level] = _whole(item, "start-value", numbers.get(level, first - 1) + 1)
    for deeper in [each for each in numbers if each > level]:
        del numbers[deeper]


def _label(level: int, levels: Levels, numbers: dict[int, int]) -> str:
    style = levels.get(level)
    if style is None:
        return ""
    if not style.tag.endswith("-number") and not style.tag.endswith("outline-level-style"):
        return "•"
    if not style.get(f"{STYLE}num-format"):
        return f"{style.get(f'{STYLE}num-prefix', '')}{style.get(f'{STYLE}num-suffix', '')}".strip()

    def number(place: int) -> str:
        written = levels[place].get(f"{STYLE}num-format", "") if place in levels else "1"
        return spelled(numbers.get(place, 1), _FORMATS.get(written, "decimal"))

    if whole := style.get(f"{STYLE}num-list-format"):
        return _PLACE.sub(lambda found: number(int(found[1])), whole).strip()
    displayed = range(max(1, level - _whole(style, "display-levels", 1) + 1), level + 1)
    counted = ".".join(number(place) for place in displayed)
    return f"{style.get(f'{STYLE}num-prefix', '')}{counted}{style.get(f'{STYLE}num-suffix', '')}".strip()


def _labelled(blocks: list[Any], label: str) -> list[Any]:
    first = blocks[0] if blocks else None
    if label and first is not None and first.tag in {f"{TEXT}p", f"{TEXT}h"} and "".join(first.itertext()).strip():
        first.text = f"{label} {first.text or ''}"
    return blocks


def _open(holder: Any, blocks: list[Any]) -> None:
    """Puts the paragraphs in the place of the element that holds them."""
    for block in blocks:
        holder.addprevious(block)
    holder.getparent().remove(holder)
