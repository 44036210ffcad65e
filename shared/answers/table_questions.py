"""What a question asks of a whole table: to count, list, add up or average rows, or to find the greatest or least."""

import re
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from shared.answers.cell_values import CalendarDay, day_of
from shared.answers.measures import UNITS
from shared.answers.question import Question, understand
from shared.language.wordlists import read_lines


class TableOperation(Enum):
    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    MOST = "max"
    LEAST = "min"
    LIST = "list"


class ColumnBound(Struct, frozen=True):
    """The least or, unless `above`, the greatest value that a column may have; `inclusive`: it may have that one too.
    `text` are the words of the question that say so."""

    text: str
    value: Decimal | CalendarDay
    above: bool
    inclusive: bool
    measured: tuple[str, ...] = ()
    """Words that head the column, of a comparative that has one: "longer than"."""

    unit: str = ""


class TableQuestion(Struct, frozen=True):
    """A question about the rows of a table. `measured` are words that head the column of a superlative; `question`
    lacks what is read already."""

    operation: TableOperation
    question: Question
    measured: tuple[str, ...] = ()
    bounds: tuple[ColumnBound, ...] = ()


SUPERLATIVES = {
    line.split()[0]: (TableOperation(line.split()[1]), tuple(line.split()[2:]))
    for line in read_lines("shared.answers", "superlatives")
}
_JOINED = re.compile(r"\b(highest|best|lowest|longest|most|least|höchst)-(?=\w)", re.IGNORECASE)
_AVERAGE = re.compile(r"\b(?:average|mean|(?:im )?durchschnitt\w*|im schnitt|mittlere\w*)\b", re.IGNORECASE)
_SUM = re.compile(
    r"\b(?:totals?|sum|altogether|combined|in all|insgesamt|zusammen|summe|gesamt\w*|alles)\b", re.IGNORECASE
)
_COUNT = re.compile(r"\b(?:how many|number of|count|wie viele|anzahl)\b", re.IGNORECASE)
_ALL = re.compile(r"^(?:please |bitte )?(?:list|name|show|give me|nenne|liste|zeige?)\b", re.IGNORECASE)
_LIST = re.compile(
    r"(?:please |bitte )?(?:list|name|show|give me|who|which|what are|nenne|liste|zeige?|wer|welche[rsmn]?)\b"
    r"|(?:in|for|from|to|at|under|on|bei|für|von|aus) (?:which|welche[rsmn]?)\b",
    re.IGNORECASE,
)
_VALUE = r"(?P<value>(?:[$€£]\s?)?\d[\d.,' \u00a0]*\d|\d)(?P<unit>\s?(?:%|€|[^\W\d_]{1,12}\b))?"
_DATE = (
    r"(?P<date>\d{4}-\d\d-\d\d|\d\d?\.\s?\d\d?\.\s?\d{4}|\d{1,2}\.? [^\W\d_]+ \d{4}|[^\W\d_]+ \d{1,2},? \d{4}"
    r"|[^\W\d_]+ \d{4}|(?:19|20)\d\d)(?![\d.,]*\d)"
)
_DATED = re.compile(
    r"\b(?P<word>after|before|since|until|later than|earlier than|nach|vor|seit|ab)"
    rf" (?:the |dem )?{_DATE}",
    re.IGNORECASE,
)
_MEASURED = re.compile(
    r"\b(?P<word>(?:more|greater|higher|larger|longer|heavier|older|less|fewer|lower|smaller|shorter|lighter|cheaper)"
    r" than|at least|at most|over|above|under|below|exceeding|mehr als|höher als|größer als|länger als|schwerer als"
    r"|weniger als|kleiner als|kürzer als|leichter als|mindestens|höchstens|über|unter)"
    rf" {_VALUE}",
    re.IGNORECASE,
)
_ABOVE = frozenset(
    ["after", "since", "later", "more", "greater", "higher", "larger", "longer", "heavier", "over", "above",
     "exceeding", "nach", "seit", "ab", "mehr", "höher", "größer", "länger", "schwerer", "mindestens", "über"]
)  # fmt: skip
_COMPARATIVES = {
    "longer": ("length", "duration"), "shorter": ("length", "duration"), "länger": ("length", "duration"),
    "kürzer": ("length", "duration"), "heavier": ("weight",), "lighter": ("weight",), "schwerer": ("weight",),
    "leichter": ("weight",), "cheaper": ("price",), "older": ("age",), "billiger": ("price",), "teurer": ("price",),
}  # fmt: skip
_UNITS = UNITS | {"€", "%", "euro", "euros", "eur", "dollars", "usd", "pounds", "gbp", "kronen", "nok"}
_INCLUSIVE = ("at least", "at most", "since", "until", "seit", "ab", "mindestens", "höchstens")


def read_table_question(question: Question) -> TableQuestion | None:
    """None for a question that is about no whole table."""
    text = _JOINED.sub(r"\1 ", question.text)
    text, bounds = _without_bounds(text)
    low = [word.strip(".,:;?!\"'").lower() for word in text.split()]
    superlatives = [word for word in low if word in SUPERLATIVES]
    direction, measured = SUPERLATIVES[superlatives[0]] if superlatives else (TableOperation.LIST, ())
    if superlatives and "expensive" in low:
        measured = ("price",)
    is_average, is_sum, is_count = (bool(one.search(text)) for one in (_AVERAGE, _SUM, _COUNT))
    if len(superlatives) > 1 or bool(superlatives) + is_average + (is_sum or is_count) > 1:
        return None
    operation = (
        TableOperation.AVERAGE if is_average else direction if superlatives else TableOperation.COUNT if is_count
        else TableOperation.SUM if is_sum else TableOperation.LIST if _LIST.match(text) else None
    )  # fmt: skip
    if operation is None:
        return None
    if operation in (TableOperation.SUM, TableOperation.AVERAGE):
        measured = ("amount",)
    remaining = " ".join(word for word in text.split() if word.strip(".,:;?!\"'").lower() not in SUPERLATIVES)
    return TableQuestion(operation, understand(remaining), measured, bounds)


def asks_about_table(question: str) -> bool:
    """Whether an answer may need all rows of a table: it counts, adds up, compares or wants a list."""
    return any(pattern.search(question) for pattern in (_COUNT, _SUM, _AVERAGE, _DATED, _MEASURED, _ALL)) or any(
        word.strip(".,:;?!").lower() in SUPERLATIVES for word in question.split()
    )


def lists_all(question: str) -> bool:
    """Whether it is an order to list: a row without what is to be listed is named too."""
    return _ALL.match(question) is not None


def may_list(question: str) -> bool:
    """Whether several rows may be its answer: "Who works in …?"."""
    return _LIST.match(question) is not None


def _without_bounds(text: str) -> tuple[str, tuple[ColumnBound, ...]]:
    bounds = []
    for found in _DATED.finditer(text):
        if day := day_of(found["date"]):
            word = found["word"].split()[0].lower()
            bounds.append(ColumnBound(found[0], day, word in _ABOVE, word in _INCLUSIVE))
    for found in _MEASURED.finditer(text):
        if any(found[0] in bound.text or bound.text in found[0] for bound in bounds):
            continue
        word = found["word"].lower()
        above = word == "at least" or word.split()[0] in _ABOVE
        if value := _decimal(found["value"]):
            unit = (found["unit"] or "").strip().lower()
            unit = unit if unit in _UNITS else ""
            span = found[0] if unit else found[0].removesuffix(found["unit"] or "")
            measured = _COMPARATIVES.get(word.split()[0], ())
            bounds.append(ColumnBound(span, value, above, word in _INCLUSIVE, measured, unit))
    for bound in bounds:
        text = text.replace(bound.text, " ")
    return text, tuple(bounds)


def _decimal(text: str) -> Decimal | None:
    figure = re.sub(r"[$€£\s\u00a0']", "", text)
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", figure):
        return Decimal(re.sub("[.,]", "", figure))
    if re.fullmatch(r"\d+(?:[.,]\d+)?", figure):
        return Decimal(figure.replace(",", "."))
    return None
