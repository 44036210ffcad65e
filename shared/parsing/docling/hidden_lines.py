"""Rows and columns of a sheet that are not shown, and the places of the others without them."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple


class HiddenLines:
    """Rows or columns, counted from 0, in ranges that may be wide."""

    def __init__(self, ranges: Iterable[range] = ()) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._before: list[int] = []
        hidden = 0
        for each in sorted(filter(None, ranges), key=lambda one: one.start):
            if self._stops and each.start <= self._stops[-1]:
                hidden += max(each.stop - self._stops[-1], 0)
                self._stops[-1] = max(self._stops[-1], each.stop)
            else:
                self._starts.append(each.start)
                self._stops.append(each.stop)
                self._before.append(hidden)
                hidden += len(each)

    def __bool__(self) -> bool:
        return bool(self._starts)

    def place(self, line: int) -> int:
        """The place of a line among those that are shown; for one that is hidden, that of the next."""
        found = bisect_right(self._starts, line) - 1
        if found < 0:
            return line
        return line - self._before[found] - (min(line, self._stops[found]) - self._starts[found])


class SheetLines(NamedTuple):
    rows: HiddenLines
    columns: HiddenLines
