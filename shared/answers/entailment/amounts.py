"""A quantity as a text states it, and when two are the same amount."""

from msgspec import Struct


class StatedQuantity(Struct, frozen=True):
    """`values` are in the first unit of the `dimension` ("" for a bare number). A date has the dimension `date` and its
    parts in `date`, where zero is a part that is not given. `bound` is `least`, `most`, `above`, `below`, `about`,
    `later` or nothing. `start` and `end` are its place, its unit included."""

    start: int
    end: int
    values: frozenset[float] = frozenset()
    dimension: str = ""
    bound: str = ""
    date: tuple[int, int, int] = (0, 0, 0)


def _is_year(date: StatedQuantity, number: StatedQuantity) -> bool:
    """Whether the four figures that look like a year are the number: 1240 and 1,240."""
    year, month, day = date.date
    return not (month or day) and number.dimension == "" and float(year) in number.values


def same_value(one: StatedQuantity, other: StatedQuantity) -> bool:
    """Whether both are the same amount, or a date holds what the other one gives."""
    if one.dimension == "date" or other.dimension == "date":
        if one.dimension != other.dimension:
            return _is_year(one, other) or _is_year(other, one)
        return all(not given or given == part for given, part in zip(one.date, other.date, strict=True))
    if one.dimension != other.dimension and {one.dimension, other.dimension} != {"degrees", "celsius"}:
        return False
    return any(abs(a - b) <= 1e-6 * max(abs(a), abs(b)) for a in one.values for b in other.values)
