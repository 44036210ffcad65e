"""Colours that nobody tells apart."""

import re

NEAREST_COLOURS = 12
"""Difference in each of red, green and blue up to which nobody tells two colours apart."""

Colour = tuple[int, int, int]

_HEXADECIMAL = re.compile(r"#[0-9a-fA-F]{6}")


def are_near(one: Colour, other: Colour) -> bool:
    return all(abs(left - right) <= NEAREST_COLOURS for left, right in zip(one, other, strict=True))


def are_alike(one: str, other: str) -> bool:
    """Whether nobody tells two colours, such as `#ffffff`, apart; False where one is unknown."""
    if not (_HEXADECIMAL.fullmatch(one) and _HEXADECIMAL.fullmatch(other)):
        return False
    return are_near(_parsed(one), _parsed(other))


def _parsed(colour: str) -> Colour:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
