"""What Docling passes over of the charts of office packages: titles of axes, kinds of charts that it does not know."""

from collections.abc import Iterator
from typing import Any

from shared.parsing.docling.office_packages import xml_tree

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_CX = "{http://schemas.microsoft.com/office/drawing/2014/chartex}"
CHARTS = (f"{_C}chart", f"{_CX}chart")
"""The elements that refer to a chart's part."""

_AXES = tuple(f"{_C}{name}" for name in ("catAx", "valAx", "dateAx", "serAx"))
_UNKNOWN = tuple(
    f"{_C}{name}" for name in ("radarChart", "bubbleChart", "stockChart", "surfaceChart", "surface3DChart")
)
_MOST_LINES = 5_000


def chart_lines(part: bytes) -> list[str]:
    """The texts of a chart's part that are in neither its title nor its table of values."""
    tree = xml_tree(part, huge_tree=True)
    if tree.tag.startswith(_CX):
        return [line for line in _extended(tree) if line][:_MOST_LINES]
    titles = [title for axis in tree.iter(*_AXES) for title in axis.iterchildren(f"{_C}title")]
    lines = [_text(title) for title in (*titles, *tree.iter(f"{_C}dLbl"))]
    for chart in tree.iter(*_UNKNOWN):
        lines += _series(chart)
    return list(dict.fromkeys(filter(None, lines)))[:_MOST_LINES]


def without_corners(document: Any) -> None:
    """Takes the title of an axis out of the first cell of a chart's table, as `chart_lines` has it; changes the
    document."""
    for picture in document.pictures:
        chart = getattr(picture.meta, "tabular_chart", None)
        for cell in chart.chart_data.table_cells if chart else ():
            if cell.start_row_offset_idx == cell.start_col_offset_idx == 0:
                cell.text = ""


def _text(element: Any) -> str:
    return " ".join("".join(each.itertext(f"{_A}t")) for each in element.iter(f"{_A}p")).strip()


def _series(chart: Any) -> Iterator[str]:
    """Yields a line for each value: its series, its category, the value."""
    for series in chart.iter(f"{_C}ser"):
        name = " ".join(_points(series.find(f"{_C}tx")).values())
        categories = _points(series.find(f"{_C}cat")) or _points(series.find(f"{_C}xVal"))
        values = _points(series.find(f"{_C}val")) or _points(series.find(f"{_C}yVal"))
        for place, value in values.items():
            yield ": ".join(filter(None, (", ".join(filter(None, (name, categories.get(place, "")))), value)))


def _points(holder: Any) -> dict[str, str]:
    if holder is None:
        return {}
    return {each.get("idx", ""): each.findtext(f"{_C}v") or "" for each in holder.iter(f"{_C}pt")}


def _extended(tree: Any) -> Iterator[str]:
    for title in tree.iter(f"{_CX}title"):
        yield _text(title) or " ".join(title.itertext(f"{_CX}v"))
    for data in tree.iter(f"{_CX}data"):
        levels = [_level(level) for level in data.iter(f"{_CX}lvl")]
        for place in dict.fromkeys(place for level in levels for place in level):
            *names, value = [level.get(place, "") for level in levels]
            yield ": ".join(filter(None, (", ".join(filter(None, reversed(names))), value)))


def _level(level: Any) -> dict[str, str]:
    return {each.get("idx", ""): each.text or "" for each in level.iter(f"{_CX}pt")}
