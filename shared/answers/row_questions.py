"""What a question about a row says of the cell that it asks for: its type, the words of its column, the row's name."""

import re
from collections.abc import Iterator, Sequence

from shared.answers.answer_type import AnswerType
from shared.answers.columns import groups_of
from shared.answers.question import Question, Term
from shared.answers.records import cells_of
from shared.answers.sentences import is_row

DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}\.\d{1,2}\.\d{2,4}|\d{1,2}/\d{1,2}/\d{2,4}|.*\b(?:1[0-9]|20)\d\d\b.*")
TIME = re.compile(r"\d{1,2}[:.]\d\d(?::\d\d)?(?: ?(?:uhr|h|[ap]\.?m\.?))?|\d{1,2} (?:uhr|[ap]\.?m\.?)", re.IGNORECASE)
RECIPIENT = re.compile(
    r"\bto whom\b|\ban wen\b|\bwem\b|\bwhom?\b.*\b(?:to\W*$|receive|got\b)"
    r"|\b(?:recipient|receiver|received|empfänger\w*|bekam|erhielt)\b",
    re.IGNORECASE,
)
MAIL_HEADS = {
    AnswerType.PERSON: ("from",), AnswerType.EMAIL: ("from",), AnswerType.DATE: ("date",), AnswerType.PAST: ("date",),
}  # fmt: skip
_ABBREVIATED = re.compile(r"\b([^\W\d_]{3,})\.(?=\s|$)")
NAMELIKE = re.compile(r"[^\W\d_][^\d]*")
EMPTY = re.compile(r"[\W_]*|n/?a|none|null|keine?|unknown|unbekannt", re.IGNORECASE)
_BETWEEN = re.compile(r"[ .,:/+'’\u00a0-]{0,3}")
DATES = frozenset([AnswerType.DATE, AnswerType.PAST])
OWN_COLUMN = frozenset([AnswerType.PERSON, AnswerType.NAME, AnswerType.OTHER])
OPENING = ("who", "which", "what", "wer", "welche", "was", "in which", "in welche")
AGES = frozenset(
    ["age", "alter", "alt", "born", "birth", "birthday", "geburt", "geboren", "geburtsdatum", "geburtsjahr", "founded",
     "built", "baujahr", "gebaut", "gegründet"]
)  # fmt: skip
REASONS = frozenset(["purpose", "reason", "use", "zweck", "anlass", "grund", "verwendung"])
CLOCK = re.compile(r"\bat what time\b|\bwhat time\b|\bum wie viel uhr\b|\bum welche uhrzeit\b", re.IGNORECASE)
WHEN = frozenset(["date", "time", "day", "year", "month", "datum", "uhrzeit", "zeit", "tag", "jahr", "monat"])
START = groups_of(["start"])
SINCE = re.compile(r"\b(?:since when|seit wann)\b", re.IGNORECASE)
PRICES = frozenset(
    ["price", "cost", "costs", "fee", "amount", "preis", "kosten", "einzelpreis", "stückpreis", "betrag", "gebühr"]
)
TYPE_WORDS = {
    AnswerType.PERSON: frozenset(["name", "person", "from"]),
    AnswerType.PLACE: frozenset(
        ["place", "location", "address", "site", "room", "raum", "hall", "workplace", "office", "port", "city", "town",
         "arbeitsplatz", "ort", "standort", "adresse", "büro", "lagerort", "lager", "hafen", "heimathafen", "stadt"]
    ),
    AnswerType.DATE: frozenset(["date", "datum", "day", "tag"]),
    AnswerType.PAST: frozenset(["date", "datum"]),
    AnswerType.PHONE: frozenset(["phone", "telefon", "telephone", "mobile"]),
    AnswerType.EMAIL: frozenset(["mail", "email"]),
    AnswerType.MONEY: PRICES,
}  # fmt: skip
CONTACTS = {
    AnswerType.EMAIL: frozenset(["address", "adresse"]), AnswerType.PHONE: frozenset(["number", "nummer"]),
}  # fmt: skip
FIGURES = frozenset(
    [AnswerType.NUMBER, AnswerType.MONEY, AnswerType.WEIGHT, AnswerType.LENGTH, AnswerType.PERCENT,
     AnswerType.TEMPERATURE, AnswerType.SPEED, AnswerType.AREA, AnswerType.SIZE]
)  # fmt: skip
_KIND_BY_OPENING = (
    (AnswerType.PERSON, ("who", "wer", "wem", "wen", "whom")),
    (AnswerType.PLACE, ("where", "wo", "wohin")),
    (AnswerType.DATE, ("when", "wann")),
)


def kind_asked(question: Question) -> AnswerType:
    """The type of answer that the question's first word asks for: names of columns ask for others."""
    first = question.text.lower().split(" ", 1)[0]
    kind = next((kind for kind, openings in _KIND_BY_OPENING if first in openings), question.answer_type)
    return question.answer_type if kind is AnswerType.DATE and question.answer_type in DATES else kind


def labels(text: str) -> Iterator[str]:
    """The first cells of the rows of a passage."""
    return (cells_of(line)[0] for line in text.split("\n") if is_row(line.strip()))


def written_out(cell: str, words: Sequence[str]) -> str:
    """The cell with its abbreviations replaced by the question's words that begin with them."""

    def whole(found: re.Match[str]) -> str:
        short = found[1].lower()
        return next((word for word in words if word.startswith(short) and len(word) > len(short)), found[0])

    return _ABBREVIATED.sub(whole, cell) if "." in cell else cell


def is_label(cell: str) -> bool:
    """Whether it names what is measured, in words that begin in small letters but for the first one."""
    found = cell.split()
    return bool(found) and all(word[0].islower() or not word[0].isalpha() for word in found[1:]) and len(cell) > 3


def runs(question: Question) -> list[list[Term]]:
    """Names of the question that stand side by side."""
    found: list[list[Term]] = []
    for term in question.names:
        if found and _BETWEEN.fullmatch(question.text[found[-1][-1].end : term.start]):
            found[-1].append(term)
        else:
            found.append([term])
    return found
