"""Numbers of workbooks as their number format shows them."""

import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import takewhile
from typing import NamedTuple

_TOKEN = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[([^\]]{0,100})\]|(AM/PM|A/P)|([eE][+-])|(.)', re.IGNORECASE | re.DOTALL)
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[0-9.]+)")
_CURRENCY = re.compile(r"\$([^-]*)")
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
_DIGITS = "0#?"
_COMPARISONS = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
}
_LOCALE_DATES = {"mm-dd-yy": "yyyy-mm-dd", "m/d/yy h:mm": "yyyy-mm-dd h:mm"}
"""Formats that every reader sees in the form of his own country: here in that of ISO."""


class _Token(NamedTuple):
    kind: str  # `text`, `mark` for a letter with a meaning, `elapsed`, `half` for AM/PM, `power`
    text: str


_POINT = _Token("mark", ".")


class _Section(NamedTuple):
    tokens: tuple[_Token, ...]
    condition: tuple[str, float] | None


def formatted(value: float, code: str, *, from_1904: bool = False) -> str | None:
    """The number as it is shown; None for the general format, where it is shown as it is."""
    code = _LOCALE_DATES.get(code, code)
    if code.strip().casefold() in {"", "general", "@"}:
        return None
    sections = [_section(part) for part in _parts(code)]
    section, value = _chosen(sections, value)
    if any(token.kind in {"elapsed", "half"} or _is_date_mark(token) for token in section.tokens):
        return _as_date(value, section.tokens, from_1904)
    if any(token.kind == "mark" and token.text in {*_DIGITS, "@", "G", "g"} for token in section.tokens):
        return _as_number(value, section.tokens)
    return "".join(token.text for token in section.tokens).strip()


def _is_date_mark(token: _Token) -> bool:
    return token.kind == "mark" and token.text.lower() in set("ymdhs")


def _parts(code: str) -> list[str]:
    """The sections of a format, which semicolons outside of quotation marks part."""
    parts, quoted, escaped = [""], False, False
    for letter in code:
        if letter == ";" and not quoted and not escaped:
            parts.append("")
            continue
        if letter == '"' and not escaped:
            quoted = not quoted
        escaped = letter == "\\" and not escaped and not quoted
        parts[-1] += letter
    return parts[:4]


def _section(part: str) -> _Section:
    tokens: list[_Token] = []
    condition = None
    part = re.sub("general", "G", part, flags=re.IGNORECASE)
    for quoted, escaped, bracket, half, power, letter in _TOKEN.findall(part):
        if quoted or escaped:
            tokens.append(_Token("text", quoted or escaped))
        elif found := _CONDITION.fullmatch(bracket.strip()):
            condition = (found[1], float(found[2]))
        elif currency := _CURRENCY.match(bracket):
            tokens.append(_Token("text", currency[1]))
        elif _ELAPSED.fullmatch(bracket):
            tokens.append(_Token("elapsed", bracket.lower()))
        elif half:
            tokens.append(_Token("half", half))
        elif power:
            tokens.append(_Token("power", power))
        elif letter:
            tokens.append(_Token("mark" if letter in "0#?.,%/@GgyYmMdDhHsSeE" else "text", letter))
    return _Section(tuple(tokens), condition)


def _chosen(sections: list[_Section], value: float) -> tuple[_Section, float]:
    """The section for a value, and the value as it shows there: the second section has no sign of its own."""
    if any(section.condition for section in sections):
        for section in sections:
            if section.condition is None or _COMPARISONS[section.condition[0]](value, section.condition[1]):
                return section, value
        return sections[-1], value
    if value < 0 and len(sections) > 1:
        return sections[1], -value
    if value == 0 and len(sections) > 2:
        return sections[2], value
    return sections[0], value


def _as_number(value: float, tokens: tuple[_Token, ...]) -> str:
    places = [place for place, token in enumerate(tokens) if token.kind == "mark" and token.text in _DIGITS]
    if not places:
        text = f"{value:.15g}"
        return "".join(text if token.text in {"G", "g", "@"} else token.text for token in tokens).strip()
    first, last = places[0], places[-1]
    core = tokens[first : last + 1]
    marks = [token.text for token in core if token.kind == "mark"]
    number = Decimal(repr(value)) * 100 ** sum(token == _Token("mark", "%") for token in tokens)
    after = last + 1
    while after < len(tokens) and tokens[after] == _Token("mark", ","):
        number, after = number / 1000, after + 1
    sign = "-" if number < 0 else ""
    number = abs(number)
    if "/" in marks:
        digits = _fraction(number, "".join(token.text for token in core))
    elif any(token.kind == "power" for token in core):
        digits = _scientific(number, core)
    else:
        digits = _decimal(number, core)
    if sign and not any(digit in "123456789" for digit in digits):
        sign = ""
    before = "".join(token.text for token in tokens[:first])
    behind = "".join(token.text for token in tokens[after:])
    return f"{sign}{before}{digits}{behind}".strip()


def _decimal(number: Decimal, core: tuple[_Token, ...]) -> str:
    point = next((place for place, token in enumerate(core) if token == _Token("mark", ".")), len(core))
    whole, rest = core[:point], core[point + 1 :]
    decimals = [token.text for token in rest if token.kind == "mark" and token.text in _DIGITS]
    rounded = number.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    integer, _, part = f"{rounded:f}".partition(".")
    while part and decimals and decimals[-1] != "0" and part.endswith("0"):
        part, decimals = part[:-1], decimals[:-1]
    least = sum(token == _Token("mark", "0") for token in whole)
    integer = integer.lstrip("0").rjust(least, "0")
    if any(token == _Token("mark", ",") for token in whole):
        integer = f"{int(integer or '0'):,}".rjust(least, "0") if integer else integer
    elif any(token.kind == "text" for token in whole):
        integer = _interspersed(integer, whole)
    return f"{integer}.{part}" if part else integer


def _interspersed(integer: str, whole: tuple[_Token, ...]) -> str:
    """Digits with text between them, as in numbers of telephones."""
    left, view = list(integer), ""
    for token in reversed(whole):
        if token.kind == "text":
            view = token.text + view
        elif left:
            view = left.pop() + view
    return "".join(left) + view


def _fraction(number: Decimal, core: str) -> str:
    before, _, below = core.partition("/")
    fixed = below.strip()
    whole = int(number) if " " in before.strip() else 0
    rest = Fraction(number) - whole
    if fixed.isdigit() and int(fixed) > 0:
        top, bottom = round(rest * int(fixed)), int(fixed)
    else:
        near = rest.limit_denominator(10 ** max(1, len(fixed)) - 1)
        top, bottom = near.numerator, near.denominator
    if top == bottom and " " in before.strip():
        whole, top = whole + 1, 0
    if not top:
        return str(whole)
    return f"{whole} {top}/{bottom}" if whole else f"{top}/{bottom}"


def _scientific(number: Decimal, core: tuple[_Token, ...]) -> str:
    at = next(place for place, token in enumerate(core) if token.kind == "power")
    decimals = 0
    if _Token("mark", ".") in core[:at]:
        decimals = at - core.index(_Token("mark", ".")) - 1
    mantissa, _, power = f"{number:.{decimals}E}".partition("E")
    least = sum(token.text == "0" for token in core[at + 1 :])
    sign = "-" if int(power) < 0 else "+" if core[at].text.endswith("+") else ""
    return f"{mantissa}E{sign}{str(abs(int(power))).rjust(least, '0')}"


def _as_date(value: float, tokens: tuple[_Token, ...], from_1904: bool) -> str | None:
    decimals = _decimals_of_seconds(tokens)
    try:
        moment = _moment(value, from_1904, decimals)
    except (OverflowError, ValueError):
        return None
    halves = any(token.kind == "half" for token in tokens)
    view, place, after_hour = "", 0, False
    while place < len(tokens):
        token, length = tokens[place], 1
        if token.kind == "elapsed":
            view += _elapsed(value, token.text, decimals)
            after_hour = token.text[0] == "h"
        elif token.kind == "half":
            half = "AM" if moment.hour < 12 else "PM"
            view += half if "/PM" in token.text.upper() else half[0]
        elif _is_date_mark(token):
            while place + length < len(tokens) and _is_alike(tokens[place + length], token):
                length += 1
            letter = token.text.lower()
            minutes = letter == "m" and (after_hour or _seconds_follow(tokens[place + length :]))
            view += _date_part(moment, "minute" if minutes else letter, length, halves)
            after_hour = letter == "h"
        elif _zeros(tokens[place + 1 :]) and token == _POINT:
            length += _zeros(tokens[place + 1 :])
            view += f".{moment.microsecond:06}"[:length]
        else:
            view += token.text if token != _Token("mark", "0") else ""
        place += length
    return view.strip().rstrip(".") if view.strip() else None


def _is_alike(one: _Token, other: _Token) -> bool:
    return one.kind == other.kind and one.text.lower() == other.text.lower()


def _zeros(tokens: tuple[_Token, ...]) -> int:
    """The zeros with which tokens begin, at most as many as there are digits of a second's fraction."""
    return min(sum(1 for _ in takewhile(lambda token: token == _Token("mark", "0"), tokens)), 6)


def _decimals_of_seconds(tokens: tuple[_Token, ...]) -> int:
    return next((_zeros(tokens[place + 1 :]) for place, token in enumerate(tokens) if token == _POINT), 0)


def _moment(value: float, from_1904: bool, decimals: int) -> datetime:
    """The moment rounded to so many decimals of a second."""
    start = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 31) if value < 60 else datetime(1899, 12, 30)
    return start + timedelta(seconds=round(value * 86_400, decimals))


def _seconds_follow(tokens: tuple[_Token, ...]) -> bool:
    following = next((token for token in tokens if token.kind == "elapsed" or _is_date_mark(token)), None)
    return following is not None and following.text.lower().startswith("s")


def _elapsed(value: float, unit: str, decimals: int) -> str:
    length = {"h": 3600, "m": 60, "s": 1}[unit[0]]
    return str(int(round(value * 86_400, decimals) // length)).rjust(len(unit), "0")


def _date_part(moment: datetime, part: str, length: int, halves: bool) -> str:
    match part:
        case "y":
            return f"{moment:%Y}" if length > 2 else f"{moment:%y}"
        case "m":
            names = {3: "%b", 4: "%B"}
            if length == 5:
                return f"{moment:%b}"[0]
            return moment.strftime(names[length]) if length in names else str(moment.month).rjust(length, "0")
        case "d":
            names = {3: "%a", 4: "%A"}
            return moment.strftime(names[length]) if length in names else str(moment.day).rjust(length, "0")
        case "h":
            hour = (moment.hour - 1) % 12 + 1 if halves else moment.hour
            return str(hour).rjust(min(length, 2), "0")
        case "minute":
            return str(moment.minute).rjust(min(length, 2), "0")
        case _:
            return str(moment.second).rjust(min(length, 2), "0")
