"""Labels of numbered paragraphs, as Word shows them."""

from typing import Any

from msgspec import Struct

from shared.parsing.docling.word.names import W, attribute, child_value, is_on
from shared.parsing.spelled_numbers import in_words, spelled

_LEVELS = 9


class _Level(Struct, frozen=True):
    start: int
    format: str
    text: str
    legal: bool
    restart: int | None


class Numbering:
    """The lists of a document, by the parts `numbering.xml` and `styles.xml`, and how far each has counted."""

    def __init__(self, numbering: Any, styles: dict[str, Any], language: str = "") -> None:
        self._styles = styles
        self._is_english = language[:2].lower() in {"", "en"}
        self._abstracts = (
            {}
            if numbering is None
            else {attribute(each, "abstractNumId"): each for each in numbering.iterchildren(f"{W}abstractNum")}
        )
        self._numbers = (
            {} if numbering is None else {attribute(each, "numId"): each for each in numbering.iterchildren(f"{W}num")}
        )
        self._levels: dict[tuple[str, int], _Level | None] = {}
        self._counts: dict[str, list[int | None]] = {}
        self._started: set[tuple[str, int]] = set()

    def place(self, paragraph: Any) -> tuple[str, int] | None:
        """The list and the level of a paragraph, by itself or by its style; None where it is in no list."""
        properties = paragraph.find(f"{W}pPr")
        style = child_value(properties, "pStyle")
        own = None if properties is None else properties.find(f"{W}numPr")
        number, level = child_value(own, "numId"), child_value(own, "ilvl")
        seen: set[str] = set()
        while (not number or not level) and style in self._styles and style not in seen:
            seen.add(style)
            inherited = self._styles[style].find(f"{W}pPr/{W}numPr")
            number = number or child_value(inherited, "numId")
            level = level or child_value(inherited, "ilvl") or (self._level_of(number, style) if number else "")
            style = child_value(self._styles[style], "basedOn")
        if number not in self._numbers:
            return None
        return number, min(int(level), _LEVELS - 1) if level.isascii() and level.isdigit() else 0

    def is_plain(self, number: str) -> bool:
        """Whether a list has only bullets and numbers with a full stop, which Docling counts by itself."""
        levels = (self._level(number, place) for place in range(_LEVELS))
        first = self._level(number, 0)
        if first and first.format == "decimal" and first.text != "%1.":
            return False
        return all(
            level is None
            or level.format in {"bullet", "none"}
            or (level.format, level.text) == ("decimal", f"%{place}.")
            for place, level in enumerate(levels, 1)
        )

    def label(self, number: str, place: int) -> str:
        """Counts a paragraph; returns its label, empty for a bullet."""
        abstract = self._abstract_id(number)
        counts = self._counts.setdefault(abstract, [None] * _LEVELS)
        level = self._level(number, place)
        if level is None:
            return ""
        if (number, place) not in self._started:
            self._started.add((number, place))
            if self._override(number, place, "startOverride") is not None:
                counts[place] = None
        count = counts[place]
        counts[place] = level.start if count is None else count + 1
        for deeper in range(place + 1, _LEVELS):
            below = self._level(number, deeper)
            if below is None or below.restart is None or place < below.restart:
                counts[deeper] = None
        for upper in range(place):
            if counts[upper] is None:
                holder = self._level(number, upper)
                counts[upper] = holder.start if holder else 1
        if level.format in {"bullet", "none"} and "%" not in level.text:
            return "" if level.format == "bullet" else level.text
        text = level.text
        for upper in range(place + 1):
            holder = self._level(number, upper)
            style = "decimal" if level.legal else holder.format if holder else "decimal"
            text = text.replace(f"%{upper + 1}", self._spelled(counts[upper] or 0, style))
        return text

    def _spelled(self, number: int, style: str) -> str:
        if style in {"cardinalText", "ordinalText"} and self._is_english and 0 < number < 1000:
            return in_words(number, ordinal=style == "ordinalText")
        return spelled(number, style)

    def _level_of(self, number: str, style: str) -> str:
        """The level that names a style as its own."""
        abstract = self._abstracts.get(self._abstract_id(number))
        for level in () if abstract is None else abstract.iterchildren(f"{W}lvl"):
            if child_value(level, "pStyle") == style:
                return attribute(level, "ilvl")
        return ""

    def _abstract_id(self, number: str) -> str:
        return child_value(self._numbers.get(number), "abstractNumId")

    def _override(self, number: str, place: int, name: str) -> Any:
        holder = self._numbers.get(number)
        for each in () if holder is None else holder.iterchildren(f"{W}lvlOverride"):
            if attribute(each, "ilvl") == str(place):
                return each.find(f"{W}{name}")
        return None

    def _level(self, number: str, place: int) -> _Level | None:
        if (number, place) not in self._levels:
            self._levels[number, place] = self._read_level(number, place)
        return self._levels[number, place]

    def _read_level(self, number: str, place: int) -> _Level | None:
        found = self._override(number, place, "lvl")
        if found is None:
            abstract = self._linked(self._abstracts.get(self._abstract_id(number)))
            levels = () if abstract is None else abstract.iterchildren(f"{W}lvl")
            found = next((each for each in levels if attribute(each, "ilvl") == str(place)), None)
        if found is None:
            return None
        start = attribute(self._override(number, place, "startOverride")) or child_value(found, "start") or "1"
        restart = child_value(found, "lvlRestart")
        return _Level(
            int(start) if start.isascii() and start.isdigit() else 1,
            child_value(found, "numFmt") or "decimal",
            child_value(found, "lvlText"),
            is_on(found.find(f"{W}isLgl")),
            int(restart) if restart.isascii() and restart.isdigit() else None,
        )

    def _linked(self, abstract: Any) -> Any:
        """The definition that a list style gives, where a list only links to it."""
        link = child_value(abstract, "numStyleLink")
        for each in self._abstracts.values() if link else ():
            if child_value(each, "styleLink") == link:
                return each
        return abstract
