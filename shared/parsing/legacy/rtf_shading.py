"""Which text of RTF has the colour of what it stands on."""

import re

from shared.parsing.colours import Colour, are_near

PATTERN = -1
"""For a background that is a pattern of two colours."""

_COLOURS = re.compile(rb"\{\s*\\colortbl([^{}]*)\}")
_SHADE = re.compile(rb"\\(red|green|blue)([0-9]{1,3})(?![0-9])")
_WHITE = (255, 255, 255)


class Shading:
    """The file's table of colours, its page, and the fills of the cells of the open row."""

    def __init__(self, content: bytes) -> None:
        self._colours = _colours(content)
        self._page = None if b"\\background" in content else _WHITE
        self._fills: list[int] = []
        self._cell = self._fill = 0
        self._in_row = False

    def begin_row(self) -> None:
        self._fills, self._cell, self._fill, self._in_row = [], 0, 0, True

    def end_row(self) -> None:
        self._cell, self._in_row = 0, False

    def fill_cell(self, place: int) -> None:
        """Sets the fill of the cell that is defined next."""
        self._fill = place

    def define_cell(self) -> None:
        self._fills.append(self._fill)
        self._fill = 0

    def end_cell(self) -> None:
        self._cell += 1

    def hides(self, colour: int, backgrounds: tuple[int, ...]) -> bool:
        """Whether letters of a colour are not seen on the innermost of the backgrounds; all are places in the table,
        0 where there is none."""
        cell = self._fills[self._cell] if self._in_row and self._cell < len(self._fills) else 0
        place = next(filter(None, (*backgrounds, cell)), 0)
        letters, background = self._at(colour), self._at(place) if place else self._page
        return letters is not None and background is not None and are_near(letters, background)

    def _at(self, place: int) -> Colour | None:
        return self._colours[place] if 0 <= place < len(self._colours) else None


def _colours(content: bytes) -> list[Colour | None]:
    """The table of colours; None for the one that the reader's program chooses."""
    found = _COLOURS.search(content)
    colours: list[Colour | None] = []
    for entry in found[1].split(b";")[:-1] if found else ():
        shades = {name: min(int(value), 255) for name, value in _SHADE.findall(entry)}
        whole = tuple(shades.get(name, 0) for name in (b"red", b"green", b"blue"))
        colours.append((whole[0], whole[1], whole[2]) if shades else None)
    return colours
