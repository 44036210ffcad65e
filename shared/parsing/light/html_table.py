"""A table of a web page while it is read."""

from collections.abc import Mapping

WIDEST_SPAN = 64
LONGEST_REPEATED = 60
"""Characters; what heads several columns is no longer."""

LONGEST_DATA = 200
"""Characters of a cell in a table of data; a longer one is text that a table arranges."""


class HtmlTable:
    """Rows of an open table; a cell that spans rows is repeated in each, a short one in each of its columns too."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self._spans: dict[int, tuple[int, str]] = {}
        self._cell_span = (1, 1)
        self.in_cell = False

    def is_data(self) -> bool:
        return max(map(len, self.rows), default=0) > 1

    def has_data(self) -> bool:
        """Whether the rows before the open one are those of a table of data: of equal width, with short cells."""
        before = self.rows[:-1]
        width = len(before[0]) if before else 0
        return width > 1 and all(
            len(row) == width and any(row) and max(map(len, row)) <= LONGEST_DATA for row in before
        )

    def open_row(self) -> None:
        self.rows.append([])

    def open_cell(self, attributes: Mapping[str, str]) -> None:
        if not self.rows:
            self.open_row()
        self.in_cell = True
        self._cell_span = (_span(attributes, "colspan"), _span(attributes, "rowspan"))

    def close_cell(self, text: str) -> None:
        self.in_cell = False
        self._fill_spans()
        columns, rows = self._cell_span
        row = self.rows[-1]
        if rows > 1:
            self._spans[len(row)] = (rows - 1, text)
        row.extend([text] * columns if len(text) <= LONGEST_REPEATED else [text, *[""] * (columns - 1)])

    def close_row(self) -> None:
        if self.rows:
            self._fill_spans()

    def _fill_spans(self) -> None:
        row = self.rows[-1]
        while len(row) in self._spans:
            left, text = self._spans.pop(len(row))
            if left > 1:
                self._spans[len(row)] = (left - 1, text)
            row.append(text)


def _span(attributes: Mapping[str, str], name: str) -> int:
    raw = attributes.get(name, "1").strip()
    return min(max(int(raw), 1), WIDEST_SPAN) if raw.isascii() and raw.isdigit() and len(raw) < 6 else 1
