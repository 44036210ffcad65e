"""Units of mass, length and volume that are converted into each other: 900 kg are less than 2 t."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from shared.answers.cell_values import Quantity

_DIMENSIONS: tuple[dict[str, str], ...] = (
    {
        "mg": "0.001",
        "g gram grams gramm": "1",
        "kg kilo kilos kilogram kilograms kilogramm": "1000",
        "t tonne tonnes tonnen": "1000000",
    },
    {
        "mm": "0.001",
        "cm": "0.01",
        "dm": "0.1",
        "m metre metres meter meters": "1",
        "km kilometre kilometres kilometer kilometers": "1000",
    },
    {"ml millilitre millilitres": "0.001", "cl": "0.01", "dl": "0.1", "l litre litres liter liters": "1", "hl": "100"},
)
_SCALES = {
    unit: (dimension, Decimal(scale))
    for dimension, scales in enumerate(_DIMENSIONS)
    for units, scale in scales.items()
    for unit in units.split()
}
UNITS = frozenset(_SCALES)


def in_one_unit(numbers: Sequence[Quantity]) -> Sequence[Quantity] | None:
    """The numbers in the smallest unit that one of them has; None where they measure different things."""
    if len({(number.before, number.behind) for number in numbers}) < 2:
        return numbers
    known = [scale for number in numbers if not number.before and (scale := _SCALES.get(number.behind.lower()))]
    if len(known) < len(numbers) or len({dimension for dimension, _ in known}) > 1:
        return None
    scales = [scale for _, scale in known]
    smallest = min(scales)
    behind = numbers[scales.index(smallest)].behind
    return [
        replace(number, value=number.value * scale / smallest, behind=behind)
        for number, scale in zip(numbers, scales, strict=True)
    ]


def converted(value: Decimal, unit: str, to: str) -> Decimal | None:
    """The value in another unit, as it is where one of the units is not known; None where they measure other things."""
    one, other = _SCALES.get(unit.lower()), _SCALES.get(to.lower())
    if not one or not other:
        return value
    return value * one[1] / other[1] if one[0] == other[0] else None
