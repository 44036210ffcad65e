"""Reads the numbers and dates of a table's cells, and writes a number as the cells of its column are written."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from msgspec import Struct

CalendarDay = tuple[int, int, int]
"""Year, month and day; a month or day that is not given is 0."""

_FIGURE = re.compile(r"[-+−]?\d[\d.,'’ \u00a0\u202f]*(?<=\d)")
_MARKS = str.maketrans("’\u00a0\u202f", "'  ")
"""Replaces other marks between thousands by the common ones."""

_MONTHS = {
    name: number
    for number, names in enumerate(
        [
            "january januar jan", "february februar feb", "march märz mar mrz", "april apr", "may mai", "june juni jun",
            "july juli jul", "august aug", "september sep sept", "october oktober oct okt", "november nov",
            "december dezember dec dez",
        ], start=1
    )
    for name in names.split()
}  # fmt: skip
_ISO = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ]\d\d:\d\d(?::\d\d)?)?")
_GERMAN_DAY = re.compile(r"(\d\d?)\.\s?(\d\d?)\.(\d{4})")
_DAY_FIRST = re.compile(r"(\d\d?)(?:\.|st|nd|rd|th)? ([^\W\d_]+)\.?,? (\d{4})")
_MONTH_FIRST = re.compile(r"([^\W\d_]+)\.? (\d\d?)(?:st|nd|rd|th)?,? (\d{4})")
_MONTH_YEAR = re.compile(r"([^\W\d_]+)\.? (\d{4})")
_YEAR = re.compile(r"(1[0-9]\d\d|20\d\d)")


class Quantity(Struct, frozen=True):
    """A number with what stands before and behind it: its currency or unit."""

    value: Decimal
    before: str = ""
    behind: str = ""


class NumberStyle(Struct, frozen=True):
    """How the numbers of a column are written."""

    decimal: str
    group: str
    places: int


def day_of(text: str) -> CalendarDay | None:
    text = text.strip()
    if found := _ISO.fullmatch(text):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _GERMAN_DAY.fullmatch(text):
        return int(found[3]), int(found[2]), int(found[1])
    if (found := _DAY_FIRST.fullmatch(text)) and (month := _MONTHS.get(found[2].lower())):
        return int(found[3]), month, int(found[1])
    if (found := _MONTH_FIRST.fullmatch(text)) and (month := _MONTHS.get(found[1].lower())):
        return int(found[3]), month, int(found[2])
    if (found := _MONTH_YEAR.fullmatch(text)) and (month := _MONTHS.get(found[1].lower())):
        return int(found[2]), month, 0
    return (int(text), 0, 0) if _YEAR.fullmatch(text) else None


def style_of(cells: Sequence[str], german: bool) -> NumberStyle | None:
    """The one way in which all these numbers can be read; None where they cannot be read in one way. A point before
    three digits alone is a decimal point, but in a German text."""
    found_figures = (found.group() for cell in cells if (found := _FIGURE.search(cell)))
    figures = [figure.lstrip("+-−").translate(_MARKS) for figure in found_figures]
    for decimal, group in ((".", ","), (",", "."), (".", " "), (",", " "), (".", "'")):
        pattern = rf"(?:\d+|\d{{1,3}}(?:{re.escape(group)}\d{{3}})+)(?:{re.escape(decimal)}(\d+))?"
        read = [re.fullmatch(pattern, figure) for figure in figures]
        if not all(read) or _is_doubtful(figures, decimal, group, german):
            continue
        places = max((len(found[1] or "") for found in read if found), default=0)
        return NumberStyle(decimal, group if any(group in figure for figure in figures) else "", places)
    return None


def _is_doubtful(figures: Sequence[str], decimal: str, group: str, german: bool) -> bool:
    """Whether a comma or point before three digits is read as decimals or thousands against the custom."""
    lone = [figure for figure in figures if re.fullmatch(r"\d{1,3}[.,]\d{3}", figure)]
    as_decimals = any(decimal in figure for figure in lone)
    if decimal == ",":
        return as_decimals or (
            group == "."
            and not german
            and any("." in figure for figure in lone)
            and not any("," in figure for figure in figures)
        )
    return as_decimals and german


def quantity_of(cell: str, style: NumberStyle) -> Quantity | None:
    """The one number of the cell; None where it has none or several."""
    found = list(_FIGURE.finditer(cell))
    if len(found) != 1:
        return None
    figure = re.sub(r"[’' \u00a0\u202f]", "", found[0].group()).replace("−", "-")
    plain = figure.replace("," if style.decimal == "." else ".", "").replace(style.decimal, ".")
    return Quantity(Decimal(plain), cell[: found[0].start()].strip(), cell[found[0].end() :].strip())


def written(value: Decimal, style: NumberStyle, like: Quantity) -> str:
    """The number in the column's own style, with its currency or unit; at least two decimals where it has some."""
    exact = value == value.to_integral_value() and not style.places
    places = 0 if exact else max(style.places, 2) if value != round(value, style.places) else style.places
    text = f"{value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN):,f}"
    text = text.replace(",", "\0").replace(".", style.decimal).replace("\0", style.group)
    before = like.before if not like.before or like.before in "$€£¥" else f"{like.before} "
    return f"{before}{text}{'' if like.behind in ('', '%') else ' '}{like.behind}"
