"""Finds the quantities of a text: numbers with their unit, bound and what they count, dates and times of day."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from msgspec.structs import replace

from shared.answers.entailment.amounts import StatedQuantity
from shared.answers.entailment.lexicon import marker, units
from shared.answers.entailment.numerals import SCALES, english_number, german_number, number_words, values_of

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("january januar jan", "february februar feb", "march märz mar mär", "april apr", "may mai", "june juni jun",
         "july juli jul", "august aug", "september sept sep", "october oktober oct okt", "november nov",
         "december dezember dec dez"), 1
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?:1[0-9]|20|21)\d\d"
_DATES = (
    re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})(?:-(?P<d>\d{2}))?\b"),
    re.compile(r"\b(?P<d>\d{1,2})\.[ ]?(?P<m>\d{1,2})\.(?:[ ]?(?P<y>\d{4}))?(?!\d)"),
    re.compile(r"\b(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})\b"),
    re.compile(
        rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?[ ](?:of[ ])?(?P<name>{_MONTH})\b\.?(?:,?[ ](?P<y>{_YEAR})\b)?", re.I
    ),
    re.compile(
        rf"\b(?P<name>{_MONTH})\b\.?[ ](?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d)(?:,?[ ](?P<y>{_YEAR})\b)?", re.I
    ),
    re.compile(rf"\b(?P<name>{_MONTH})\b\.?,?[ ](?:of[ ])?(?P<y>{_YEAR})\b", re.I),
    re.compile(rf"\b(?P<name>{_MONTH})\b", re.I),
)
_BEFORE_DAY = re.compile(r"\b(?:am|vom|bis|zum|seit|ab|dem|den|der)[ ]$", re.I)
_TIMES = (
    re.compile(r"\b(?P<h>[01]?\d|2[0-4])[:.](?P<min>[0-5]\d)(?:[ ]?(?P<half>[ap]\.?[ ]?m)\b\.?|[ ]?Uhr\b)", re.I),
    re.compile(r"\b(?P<h>[01]?\d|2[0-4]):(?P<min>[0-5]\d)\b"),
    re.compile(
        r"(?<=\bat[ ])(?P<h>[01]?\d|2[0-4])\.(?P<min>[0-5]\d)\b"
        r"(?![.,]?\d|[ ]?[%€£$°]|[ ](?:percent|euros?|dollars?|pounds?|per|k?m|kg)\b)"
    ),
    re.compile(r"\b(?P<h>[01]?\d|2[0-4])[ ]?(?:(?P<half>[ap]\.?[ ]?m)\b\.?|Uhr\b|o'clock\b)", re.I),
)
_NUMBER = re.compile(
    r"(?<![\w.,])(?P<sign>[-−+±](?=\d)|minus (?=\d))?(?P<figures>\d+(?:[.,'’]\d+)*(?:[ \u00a0\u202f]\d{3}(?!\d))*)"
    r"|(?P<words>[^\W\d_]+(?:-[^\W\d_]+)*)"
)
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_SCALE = re.compile(rf"[ \u00a0]?(?P<scale>{'|'.join(sorted(SCALES, key=len, reverse=True))})\b\.?", re.I)
_UNIT = re.compile(r"[ \u00a0-]?(?P<unit>[^\W\d_]+/[^\W\d_]+|°[CFcf]?\b|°|[%‰€$£¥₹]|[^\W\d_]+[²³23]?)")
_TWO_WORDS = re.compile(r"[ \u00a0]?(?P<unit>[^\W\d_]+[ \u00a0-][^\W\d_]+(?:[ ][^\W\d_]+)?)")
_CURRENCY_BEFORE = re.compile(r"(?P<unit>[€$£¥₹]|\b(?:EUR|USD|GBP|CHF|US\$))[ \u00a0]?$")
_SHARE = re.compile(
    r"\b(?P<half>half|halbe[nrs]?|hälfte|halb)\b|(?:(?<=\ba[ ])|(?<=one[ ])|(?<=two[ -]))(?P<third>thirds?)\b"
    r"|\b(?P<drittel>drittel[sn]?)\b"
    r"|(?:(?<=\ba[ ])|(?<=one[ ])|(?<=three[ -])|(?<=ein[ ])|(?<=drei[ ]))(?P<quarter>quarters?|viertel)\b",
    re.I,
)
_PARTS_OF_ONE = {
    name: parts
    for parts, names in enumerate(
        ("fifth fifths fünftel fünfteln", "sixth sixths sechstel sechsteln", "seventh sevenths siebtel siebteln",
         "eighth eighths achtel achteln", "ninth ninths neuntel neunteln", "tenth tenths zehntel zehnteln"), 5
    )
    for name in names.split()
}  # fmt: skip
_FRACTION = re.compile(
    rf"\b(?P<count>an?|one|ein|einem|eines|{number_words(2, 9)})[ -]"
    rf"(?P<part>{'|'.join(sorted(_PARTS_OF_ONE, key=len, reverse=True))})\b(?<!th)"
    r"|\b(?P<one>an?|one) (?P<single>(?:fif|six|seven|eigh|nin|ten)th)(?= of\b|[.,;]|$)",
    re.I,
)
_WHOLE = {"one": 1, "two": 2, "three": 3, "four": 4, "ander": 1, "ein": 1, "zwei": 2, "drei": 3, "vier": 4}
_AND_A_HALF = re.compile(
    r"\b(?:(?P<whole>one|two|three|four|\d{1,3}) and a half|(?P<german>ander|ein|zwei|drei|vier)(?:ein|t)?halb)\b", re.I
)
_LASTING = re.compile(
    r"\b(?P<number>\d{1,4}|[^\W\d_]{3,20}?)-?(?P<unit>jährig|monatig|wöchig|tägig|stündig|minütig)(?:e[nrms]?)?\b", re.I
)
_LASTING_UNITS = {
    "jährig": "jahr", "monatig": "monat", "wöchig": "woche", "tägig": "tag", "stündig": "stunde", "minütig": "minute"
}  # fmt: skip
_TWICE = re.compile(
    r"\b(?:(?P<one>once(?=[ ](?:an?|per|every|each|daily|weekly|monthly|or)\b|[.,;]|$)"
    r"|einmal(?=[ ](?:im|pro|am|jährlich|monatlich|wöchentlich|täglich|in)))"
    r"|(?P<two>twice|zweimal|doppelt)|(?P<three>thrice|dreimal|dreifach)|(?P<four>viermal))\b",
    re.I,
)
_RANGE = re.compile(r"[ ]?(?:to|and|or|bis|und|oder|auf|[-–—])[ ]?$", re.I)
_ONE_UNIT = re.compile(r"\b(?:a|an|one|ein|eine|einen|einem|einer|eines)[ ](?P<unit>[^\W\d_]+)\b", re.I)
_WITHIN = (
    "at least|at most|within|in|after|for|lasts?|takes?|of|half|than|mindestens|höchstens|wenigstens|maximal|spätestens"
    "|innerhalb|binnen|nach|von|dauert|für|als|beträgt"
)
_BEFORE_ONE = re.compile(rf"\b(?:{_WITHIN})[ ]$", re.I)
_WINDOW = 40


def quantities_of(text: str, german: bool) -> list[StatedQuantity]:
    """In the order of the text; none overlaps another one."""
    found: list[StatedQuantity] = []
    taken = bytearray(len(text))
    for quantity in chain(
        _dates(text),
        _times(text),
        _durations(text),
        _with_halves(text),
        _shares(text),
        _multiples(text),
        _numbers(text, german),
        _ones(text),
    ):
        if not any(taken[quantity.start : quantity.end]):
            found.append(quantity)
            taken[quantity.start : quantity.end] = b"\1" * (quantity.end - quantity.start)
    found.sort(key=lambda quantity: quantity.start)
    shared = _with_shared_units(text, found)
    return [
        one if place and _RANGE.fullmatch(text[shared[place - 1].end : one.start]) else _bounded(text, one)
        for place, one in enumerate(shared)
    ]


def _dates(text: str) -> Iterator[StatedQuantity]:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            name = parts.get("name")
            month = _MONTHS[name.lower()] if name else int(parts["m"])
            year, day = int(parts.get("y") or 0), int(parts.get("d") or 0)
            if name:
                is_date = name[0].isupper() and bool(year or day or _is_month(name, begins=match.start() == 0))
            else:
                before = text[max(0, match.start() - 12) : match.start()]
                is_date = bool(year or "/" in match[0] or _BEFORE_DAY.search(before))
            if is_date and month <= 12 and day <= 31:
                yield StatedQuantity(match.start(), match.end(), dimension="date", date=(year, month, day))


def _is_month(name: str, *, begins: bool) -> bool:
    """Whether a name without a day or year is a month's: no abbreviation, and no verb that begins a sentence."""
    low = name.lower()
    return not (begins and low in ("may", "march")) and (len(name) >= 4 or low in ("may", "mai"))


_NOON = re.compile(r"\b(?P<noon>noon|midday|mittags?)\b|\b(?:midnight|mitternacht)\b", re.I)


def _times(text: str) -> Iterator[StatedQuantity]:
    for match in _NOON.finditer(text):
        yield StatedQuantity(match.start(), match.end(), frozenset([720.0 if match["noon"] else 0.0]), "clock")
    for pattern in _TIMES:
        for match in pattern.finditer(text):
            parts = match.groupdict()
            hour, minute = int(parts["h"]), int(parts.get("min") or 0)
            half = (parts.get("half") or "").lower()
            if half:
                hour = hour % 12 + (12 if half.startswith("p") else 0)
            yield StatedQuantity(match.start(), match.end(), frozenset([60.0 * hour + minute]), "clock")


def _numbers(text: str, german: bool) -> Iterator[StatedQuantity]:
    at = 0
    while match := _NUMBER.search(text, at):
        at = match.end()
        if match["figures"]:
            values = values_of(match["figures"].replace("’", "'"), german)
            if re.fullmatch(_YEAR, match["figures"]) and not _unit_after(text, match.end())[0]:
                yield StatedQuantity(match.start(), match.end(), dimension="date", date=(int(match["figures"]), 0, 0))
                continue
            sign = match["sign"] or ""
            if sign.startswith("minus") or (
                sign in ("-", "−") and text[match.start() - 1 : match.start()] in ("", " ")
            ):
                values = frozenset(-value for value in values)
        else:
            value, at = _in_words(text, match)
            if value is None:
                continue
            values = frozenset([value])
        yield (quantity := _measured(text, match.start(), at, values, german))
        at = max(at, quantity.end)


def _in_words(text: str, match: re.Match[str]) -> tuple[float | None, int]:
    """The value of the number in words that begins at a match, None where none does, and where the text goes on."""
    at = match.end()
    first, hyphen, _ = match["words"].partition("-")
    if hyphen and english_number([match["words"].lower()])[1] == 0 and english_number([first.lower()])[1]:
        at = match.start() + len(first)
    words = [text[match.start() : at].lower(), *_WORDS.findall(text[at : at + _WINDOW].lower())]
    value, used = english_number(words[: 1 + _plain_words(text, at)])
    if used == 0 or words[0] == "one":
        return german_number(words[0]), at
    for _ in range(used - 1):
        following = _NUMBER.search(text, at)
        at = following.end() if following else at
    return value, at


def _plain_words(text: str, at: int) -> int:
    """How many words follow with nothing but spaces between."""
    match = re.match(r"(?:[ -][^\W\d_]+)*", text[at : at + _WINDOW])
    return len(re.findall(r"[ -]", match[0])) if match else 0


def _measured(text: str, start: int, end: int, values: frozenset[float], german: bool) -> StatedQuantity:
    if scale := _SCALE.match(text, end):
        name = scale["scale"].lower()
        follows = text[scale.end() : scale.end() + 1]
        if len(name) > 1 or (text[end] not in " \u00a0" and not follows.isalnum() and _currency_before(text, start)):
            factor = SCALES["billionen" if german and name == "billion" else name]
            values = frozenset(value * factor for value in values)
            end = scale.end()
    unit, stop = _unit_after(text, end)
    if unit is None and (before := _currency_before(text, start)):
        unit, start = units().get(before["unit"].lower().removeprefix("us")), before.start()
    if unit is None:
        return StatedQuantity(start, end, values)
    dimension, factor = unit
    return StatedQuantity(start, max(end, stop), frozenset(_rounded(value * factor) for value in values), dimension)


def _currency_before(text: str, start: int) -> re.Match[str] | None:
    return _CURRENCY_BEFORE.search(text[max(0, start - 8) : start]) and _CURRENCY_BEFORE.search(text, 0, start)


def _unit_after(text: str, end: int) -> tuple[tuple[str, float] | None, int]:
    if two := _TWO_WORDS.match(text, end):
        words = two["unit"].lower().replace("\u00a0", " ")
        for size in (3, 2):
            name = " ".join(words.replace("-", " ").split()[:size])
            if len(name.split()) == size and (unit := units().get(name)):
                return unit, two.start("unit") + len(name)
    if (one := _UNIT.match(text, end)) and (unit := _known(one["unit"])):
        return unit, one.end()
    return None, end


def _known(name: str) -> tuple[str, float] | None:
    """A unit of few letters is written as it is: "m" is a metre and "MW" no milliwatt."""
    table = units()
    if len(name) == 1 and name.isalpha() and name not in ("m", "g", "t", "l", "s", "h", "W", "V", "N", "A"):
        return None
    return table.get(name.lower()) or (("time", 3600.0) if name == "h" else ("current", 1.0) if name == "A" else None)


def _durations(text: str) -> Iterator[StatedQuantity]:
    """ "Zweijährig"."""
    for match in _LASTING.finditer(text):
        number = match["number"].lower()
        value = float(number) if number.isdigit() else german_number(number)
        if value:
            dimension, factor = units()[_LASTING_UNITS[match["unit"].lower()]]
            yield StatedQuantity(match.start(), match.end(), frozenset([_rounded(value * factor)]), dimension)


def _with_halves(text: str) -> Iterator[StatedQuantity]:
    """ "Two and a half hours"."""
    for match in _AND_A_HALF.finditer(text):
        word = (match["whole"] or match["german"]).lower()
        whole = float(word) if word.isdigit() else _WHOLE[word]
        unit, stop = _unit_after(text, match.end())
        dimension, factor = unit or ("", 1.0)
        yield StatedQuantity(
            match.start(), max(match.end(), stop), frozenset([_rounded((whole + 0.5) * factor)]), dimension
        )


def _shares(text: str) -> Iterator[StatedQuantity]:
    """ "Two thirds", "half an hour"."""
    yield from _fractions(text)
    for match in _SHARE.finditer(text):
        value = 0.5 if match["half"] else 1 / 3 if match["third"] or match["drittel"] else 0.25
        before = re.search(r"\b(two|zwei|three|drei)[ -]$", text[max(0, match.start() - 6) : match.start()], re.I)
        times = 1 if before is None else 2 if before[1].lower() in ("two", "zwei") else 3
        article = re.match(r"(?:[ -](?:a|an|the|of))*[ ]?", text[match.end() :])
        unit, stop = _unit_after(text, match.end() + (article.end() if article else 0))
        if match["half"] and unit is None:
            unit, stop = _unit_after(text, match.end())
        if match["half"] and unit and unit[0] != "share":
            yield StatedQuantity(match.start(), stop, frozenset([_rounded(0.5 * unit[1])]), unit[0])
        else:
            start = match.start() - (len(before[0]) if before else 0)
            yield StatedQuantity(start, match.end(), frozenset([_rounded(value * times)]), "share")


def _fractions(text: str) -> Iterator[StatedQuantity]:
    """ "Two fifths", "ein Zehntel"."""
    for match in _FRACTION.finditer(text):
        count = (match["count"] or "one").lower()
        share = english_number([count])[0] or german_number(count) or 1
        parts = _PARTS_OF_ONE[(match["part"] or match["single"]).lower()]
        yield StatedQuantity(match.start(), match.end(), frozenset([_rounded(share / parts)]), "share")


def _multiples(text: str) -> Iterator[StatedQuantity]:
    """ "Twice"."""
    for match in _TWICE.finditer(text):
        count = next(number for number, name in enumerate(("one", "two", "three", "four"), 1) if match[name])
        yield StatedQuantity(match.start(), match.end(), frozenset([float(count)]), "times")


def _ones(text: str) -> Iterator[StatedQuantity]:
    """A unit with an article, such as "within a day"; behind a price it is a rate and no quantity."""
    for match in _ONE_UNIT.finditer(text):
        unit = units().get(match["unit"].lower())
        if unit and _BEFORE_ONE.search(text[max(0, match.start() - 12) : match.start()]):
            yield StatedQuantity(match.start(), match.end(), frozenset([_rounded(unit[1])]), unit[0])


def _with_shared_units(text: str, found: Sequence[StatedQuantity]) -> list[StatedQuantity]:
    """In "2 to 8 °C" both numbers have the unit."""
    result = list(found)
    for place in range(len(result) - 2, -1, -1):
        one, other = result[place], result[place + 1]
        between = text[one.end : other.start]
        if one.dimension == "" and other.dimension == "clock" and _RANGE.fullmatch(between) and max(one.values) <= 24:
            result[place] = replace(one, dimension="clock", values=frozenset(60 * value for value in one.values))
        elif one.dimension == "" and other.dimension not in ("date", "clock", "times") and _RANGE.fullmatch(between):
            figures = other.end - len(text[other.start : other.end].lstrip("0123456789.,' "))
            scale = _SCALE.match(text, figures)
            unit, _ = _unit_after(text, scale.end() if scale else figures)
            factors = {unit[1] if unit else 1.0}
            factors |= {factor * SCALES[scale["scale"].lower()] for factor in factors} if scale else set()
            values = frozenset(_rounded(value * factor) for value in one.values for factor in factors)
            result[place] = replace(one, dimension=other.dimension, values=values)
    return result


_SMALL_WORDS = re.compile(r"\b(?:(?:an? |the )?(?:total|sum) of|the|an?|einem|einer|ein|dem|den|der|von|of)[ ]$")
_BOUNDS: tuple[tuple[str, str, str], ...] = (
    ("most", "at most", "or less"),
    ("least", "at least", "or more"),
    ("above", "above", ""),
    ("below", "below", ""),
    ("about", "about", ""),
)
"""With each bound the markers of what stands before the number, and of what stands behind it."""

_BOUNDS_OF_NUMBERS = (
    ("above", re.compile(r"^(?!.*(?:version|release|build|ausgabe)).*\b(?:older than|älter als)[ ]$", re.I | re.S)),
    ("below", re.compile(r"\b(?:before|prior to|older than|earlier than|vor|älter als|unter)[ ]$", re.I)),
    ("above", re.compile(r"\b(?:after|since|nach|ab|from|newer than|later than|neuer als)[ ]$", re.I)),
)
"""Words that are a bound before a bare number: "versions before 4.2"."""

_BOUNDS_OF_AGES = (
    ("above", re.compile(r"\b(?:older than|älter als)[ ]$", re.I)),
    ("below", re.compile(r"\b(?:younger than|jünger als)[ ]$", re.I)),
)

_NOT_EXCEEDED = re.compile(r"[^.;,]{0,30}\b(?:nicht (?:überschr|überst)|not be exceeded)")
_AHEAD = re.compile(r"(?:vorher|zuvor|davor|im voraus|vor |before|prior|in advance|ahead|earlier)\b")
_LATEST = re.compile(r"\b(?:spätestens|at the latest|no later than|not later than)(?: (?:an?|one|ein\w{0,2}))?[ ]$")
_LATER = re.compile(r"\b(?:after|nach)[ ]$")
"""Not within a time, but when it is over."""


def _bounded(text: str, quantity: StatedQuantity) -> StatedQuantity:
    before = text[max(0, quantity.start - _WINDOW) : quantity.start].lower()
    behind = re.sub(r"^[ (]+", "", text[quantity.end : quantity.end + _WINDOW].lower())
    bare = _SMALL_WORDS.sub("", before)
    if _LATEST.search(before) and _AHEAD.match(behind):
        return replace(quantity, bound="least")
    for bound, ahead, after in _BOUNDS:
        if _ends_with(before, ahead) or _ends_with(bare, ahead) or (after and marker(after).match(behind)):
            return replace(quantity, bound=bound)
    if quantity.dimension == "months":
        for bound, pattern in _BOUNDS_OF_AGES:
            if pattern.search(before):
                return replace(quantity, bound=bound)
    if _NOT_EXCEEDED.match(behind):
        return replace(quantity, bound="most")
    if quantity.dimension in ("time", "months") and _LATER.search(before):
        return replace(quantity, bound="later")
    if quantity.dimension == "":
        for bound, pattern in _BOUNDS_OF_NUMBERS:
            if pattern.search(before):
                return replace(quantity, bound=bound)
    return quantity


def _ends_with(text: str, name: str) -> bool:
    return any(not text[match.end() :].strip(" .") for match in marker(name).finditer(text))


def _rounded(value: float) -> float:
    return float(f"{value:.9g}")
