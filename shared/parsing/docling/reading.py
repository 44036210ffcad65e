"""Converts Docling's document to ours: walks its tree of items in reading order."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from docling_core.types.doc.common.content_layer import ContentLayer
from docling_core.types.doc.document import DoclingDocument
from docling_core.types.doc.items.group import GroupItem
from docling_core.types.doc.items.picture.picture import PictureItem
from docling_core.types.doc.items.table.table import TableItem
from docling_core.types.doc.items.table.table_data import RichTableCell, TableData
from docling_core.types.doc.labels import DocItemLabel, GroupLabel

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.links import with_address
from shared.types.passage import Box

LAYERS = frozenset({ContentLayer.BODY, ContentLayer.NOTES})
_HEADINGS = frozenset({DocItemLabel.SECTION_HEADER, DocItemLabel.FIELD_HEADING})
_CHECKBOXES = {DocItemLabel.CHECKBOX_SELECTED: "[x] ", DocItemLabel.CHECKBOX_UNSELECTED: "[ ] "}
_LISTS = frozenset({GroupLabel.LIST, GroupLabel.ORDERED_LIST})
_SLIDE = re.compile(r"slide-(\d+)")
_LOOSE_BEFORE = re.compile(r"(?<! ) ++([,.;:!?)\]}’”])")
_LOOSE_AFTER = re.compile(r"([(\[{‘“]) +")


def read(
    document: DoclingDocument,
    limits: ParsingLimits,
    *,
    front: str = "",
    asides: frozenset[str] = frozenset(),
    pages: Mapping[str, int] = MappingProxyType({}),
) -> ParsedDocument:
    """`front` stands before the text, beside it what follows a heading of `asides`; `pages` has the page on which an
    item begins, by its reference.

    Raises Rejected("empty") and Rejected("too-deep").
    """
    assembly = Assembly(limits)
    assembly.paragraph(front)
    walk = _Walk(document, assembly, limits, asides, pages)
    walk.children(document.body, 1)
    return assembly.finish(len(document.pages) or walk.slides or max(pages.values(), default=0))


class _Walk:
    def __init__(
        self,
        document: DoclingDocument,
        assembly: Assembly,
        limits: ParsingLimits,
        asides: frozenset[str],
        pages: Mapping[str, int],
    ) -> None:
        self._document = document
        self._assembly = assembly
        self._limits = limits
        self.slides = 0
        self._asides = asides
        self._pages = pages
        self._beside = False
        self._captions = {caption.cref for item in (*document.tables, *document.pictures) for caption in item.captions}

    def children(self, holder: Any, depth: int) -> None:
        if depth > self._limits.depth:
            raise too_deep(self._limits)
        for item in self._held(holder):
            if item.self_ref not in self._captions:
                self._item(item, depth)

    def _held(self, holder: Any) -> Iterator[Any]:
        for reference in holder.children:
            item = reference.resolve(self._document)
            if item.content_layer in LAYERS or item.label == DocItemLabel.FOOTNOTE:
                yield item

    def _item(self, item: Any, depth: int) -> None:
        if isinstance(item, GroupItem):
            self._group(item, depth)
            return
        self._stand_at(item)
        self._beside = self._beside or (item.label in _HEADINGS and item.text in self._asides)
        self._assembly.aside = self._beside or item.content_layer != ContentLayer.BODY
        if isinstance(item, TableItem):
            self._assembly.paragraph(self._caption(item))
            self._assembly.table(self._rows(item.data))
        elif isinstance(item, PictureItem):
            self._picture(item)
        elif item.label == DocItemLabel.LIST_ITEM:
            self._list_item(item, depth)
        else:
            self._text(item)
            self.children(item, depth + 1)

    def _group(self, group: GroupItem, depth: int) -> None:
        if group.label == GroupLabel.INLINE:
            self._assembly.paragraph(self._inline(group, depth))
        elif group.label in _LISTS:
            ordered = any(getattr(item, "enumerated", False) for item in self._held(group))
            self._assembly.open_list(ordered=ordered)
            self.children(group, depth + 1)
            self._assembly.close()
        else:
            self._page(group)
            self.children(group, depth + 1)

    def _page(self, group: GroupItem) -> None:
        """Returns the page of a sheet or slide; OpenDocument numbers these only in their names."""
        if (group.label == GroupLabel.SHEET or group.name.startswith("sheet: ")) and group.children:
            placed = (item for item in self._held(group) if getattr(item, "prov", None))
            self._assembly.page = next((item.prov[0].page_no for item in placed), None)
            self._assembly.box = None
            self._assembly.aside = self._beside
            self._assembly.heading(2, group.name.removeprefix("sheet: "))
        elif slide := _SLIDE.fullmatch(group.name):
            self._assembly.page = self.slides = int(slide[1]) + 1

    def _list_item(self, item: Any, depth: int) -> None:
        """Adds a list item. Numbers stay as they are written; without one, the list counts."""
        mark = item.marker.strip()
        self._assembly.open_item(mark if item.enumerated and mark[:1].isdigit() else "" if item.enumerated else "-")
        self._assembly.paragraph(_text_with_link(item))
        self.children(item, depth + 1)
        self._assembly.close()

    def _text(self, item: Any) -> None:
        text = getattr(item, "text", "")
        if item.label == DocItemLabel.TITLE:
            self._assembly.heading(1, text)
            self._assembly.title = self._assembly.title or text
        elif item.label in _HEADINGS:
            self._assembly.heading(getattr(item, "level", 1) + 1, text)
        elif item.label == DocItemLabel.CODE:
            self._assembly.code(text)
        else:
            self._assembly.paragraph(_CHECKBOXES.get(item.label, "") + _text_with_link(item))

    def _inline(self, group: Any, depth: int) -> str:
        """Returns the text of a paragraph, of which Docling stores each run by itself."""
        if depth > self._limits.depth:
            raise too_deep(self._limits)
        runs: list[tuple[str, str]] = []
        for item in self._held(group):
            if not runs:
                self._stand_at(item)
            formatting = getattr(item, "formatting", None)
            script = formatting.script.value if formatting else "baseline"  # or `sub`, `super`
            runs.append((self._item_text(item, depth), script))
        return _joined(runs)

    def _item_text(self, item: Any, depth: int = 0) -> str:
        return _text_with_link(item) or self._inline(item, depth + 1)

    def _picture(self, item: PictureItem) -> None:
        description = getattr(getattr(item.meta, "description", None), "text", "") or ""
        chart = getattr(item.meta, "tabular_chart", None)
        lines = [self._caption(item), description]
        classes = getattr(getattr(item.meta, "classification", None), "predictions", None)
        if chart and classes:
            lines.append(str(classes[0].class_name).replace("_", " ").capitalize())
        self._assembly.picture("\n".join(dict.fromkeys(filter(None, lines))))
        if chart:
            self._assembly.table(self._rows(chart.chart_data))

    def _caption(self, item: TableItem | PictureItem) -> str:
        captions = (reference.resolve(self._document) for reference in item.captions)
        return "\n".join(filter(None, map(self._item_text, captions)))

    def _rows(self, data: TableData) -> list[list[str]]:
        """Returns a table's rows. A cell that spans several is repeated in each, unless it has more than text."""
        seen: set[str] = set()
        return [[self._cell(cell, seen) for cell in row] for row in data.grid]

    def _cell(self, cell: Any, seen: set[str]) -> str:
        """Returns the words of a cell; of what it holds beyond text only the words are used."""
        if not isinstance(cell, RichTableCell):
            return str(cell.text)
        if cell.ref.cref in seen:
            return ""
        seen.add(cell.ref.cref)
        return self._item_text(cell.ref.resolve(self._document)) or str(cell.text)

    def _stand_at(self, item: Any) -> None:
        """Sets the place of the next text; an item without a place has that of the item before it."""
        if getattr(item, "prov", None):
            self._assembly.page = item.prov[0].page_no
            self._assembly.box = _box(item.prov[0], self._document.pages)
        elif item.self_ref in self._pages:
            self._assembly.page = self._pages[item.self_ref]


def _text_with_link(item: Any) -> str:
    return with_address(getattr(item, "text", ""), str(getattr(item, "hyperlink", None) or ""))


def _joined(runs: list[tuple[str, str]]) -> str:
    """Joins runs: some of Docling's readers keep the space between two runs, others strip it."""
    runs = [(text, script) for text, script in runs if text]
    if any(text != text.strip() for text, _ in runs):
        return "".join(text for text, _ in runs)
    joined = ""
    for text, script in runs:
        joined += _between(joined, text, script) + text
    return _LOOSE_AFTER.sub(r"\1", _LOOSE_BEFORE.sub(r"\1", joined))


def _between(before: str, text: str, script: str) -> str:
    """Returns what separates a run from the text before it: CO2 is one word, and a power is marked as one."""
    if script == "super" and before[-1:].isdigit():
        return "^"
    return "" if not before or (script == "sub" and text.isdigit()) else " "


def _box(place: Any, pages: Mapping[int, Any]) -> Box | None:
    page = pages.get(place.page_no)
    if page is None or not (page.size.width > 0 and page.size.height > 0):
        return None
    box = place.bbox.to_top_left_origin(page.size.height)
    left, right = _share(box.l, page.size.width), _share(box.r, page.size.width)
    top, bottom = _share(box.t, page.size.height), _share(box.b, page.size.height)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _share(length: float, whole: float) -> float:
    return round(min(max(length / whole, 0.0), 1.0), 5)
