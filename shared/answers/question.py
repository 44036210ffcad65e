"""What a question asks for: its names, its other words, and the kind of thing that would answer it."""

import re
from enum import Enum

from msgspec import Struct

from shared.answers.meanings import meanings
from shared.answers.stems import WORD, stem

_FUNCTION_WORDS = frozenset(
    ["a", "an", "the", "this", "that", "these", "those", "of", "in", "on", "at", "to", "from", "by", "for", "with", "about", "as", "into", "over", "under", "after", "before", "between", "during", "without", "within", "through", "per", "and", "or", "but", "nor", "not", "no", "if", "then", "than", "so", "such", "is", "are", "was", "were", "be", "been", "being", "am", "do", "does", "did", "done", "has", "have", "had", "having", "can", "could", "will", "would", "shall", "should", "may", "might", "must", "i", "me", "my", "we", "us", "our", "you", "your", "he", "him", "his", "she", "her", "it", "its", "they", "them", "their", "there", "here", "who", "whom", "whose", "which", "what", "when", "where", "why", "how", "many", "much", "any", "some", "one", "does", "also", "very", "just", "more", "most", "other", "each", "every", "all", "both", "same", "own", "only", "out", "up", "down", "off", "again", "please", "tell", "give", "know", "does", "get", "gets", "got", "one's", "exactly", "actually", "s", "t", "der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "eines", "und", "oder", "aber", "nicht", "kein", "keine", "keinen", "ist", "sind", "war", "waren", "wird", "werden", "wurde", "wurden", "sein", "hat", "haben", "hatte", "hatten", "kann", "können", "muss", "müssen", "soll", "sollen", "darf", "dürfen", "ich", "mir", "mich", "wir", "uns", "unser", "sie", "ihr", "ihre", "ihren", "ihrem", "er", "ihm", "ihn", "es", "sein", "seine", "seinen", "man", "zu", "zum", "zur", "in", "im", "am", "an", "auf", "aus", "bei", "beim", "mit", "nach", "von", "vom", "vor", "für", "über", "unter", "durch", "um", "gegen", "ohne", "bis", "seit", "wer", "wen", "wem", "wessen", "was", "wann", "wo", "wohin", "woher", "warum", "wieso", "weshalb", "wie", "viel", "viele", "welche", "welcher", "welches", "welchen", "welchem", "dass", "als", "auch", "nur", "noch", "schon", "dort", "hier", "da", "so", "denn", "mal", "bitte"]
)
_GERMAN = frozenset(
    ["der", "die", "das", "den", "dem", "des", "ein", "eine", "einen", "einem", "einer", "und", "nicht", "ist", "sind", "war", "waren", "wird", "wurde", "wurden", "hat", "haben", "kann", "wer", "wen", "wem", "wessen", "was", "wann", "wo", "wohin", "woher", "warum", "wieso", "weshalb", "wie", "welche", "welcher", "welches", "welchen", "welchem", "von", "im", "für", "mit", "auf", "zu", "aus"]
)
_HINTS = frozenset(
    stem(word)
    for word in ["name", "type", "kind", "person", "people", "man", "woman", "place", "year", "date", "day", "time", "city", "town", "country", "number", "amount", "sum", "total", "main", "thing", "way", "state", "group", "company", "firm", "size", "period", "value", "reason", "month", "months", "side", "part", "form", "sort", "term", "greatest", "largest", "exact", "project", "note", "piece", "level", "name", "art", "person", "ort", "jahr", "datum", "tag", "zeit", "stadt", "land", "zahl", "anzahl", "summe", "grund", "teil", "gruppe", "höhe"]
)
"""Words that say what kind of answer is wanted, and verbs of all work; an answer seldom repeats them."""


class Asked(Enum):
    NUMBER = "number"
    MONEY = "money"
    DURATION = "duration"
    DATE = "date"
    LENGTH = "length"
    SIZE = "size"
    AREA = "area"
    SPEED = "speed"
    TEMPERATURE = "temperature"
    WEIGHT = "weight"
    PERCENT = "percent"
    PERSON = "person"
    PLACE = "place"
    REASON = "reason"
    FREQUENCY = "frequency"
    OTHER = "other"


class Term(Struct, frozen=True):
    """A content word of the question. `start` and `end` are its place in the question."""

    word: str
    stem: str
    meanings: frozenset[int]
    start: int
    end: int
    hint: bool = False
    counted: bool = False


class Question(Struct, frozen=True):
    text: str
    names: tuple[Term, ...]
    terms: tuple[Term, ...]
    asked: Asked
    german: bool


def understand(text: str) -> Question:
    words = list(WORD.finditer(text))
    low = [word.group().lower() for word in words]
    german = sum(word in _GERMAN for word in low) > max(1, sum(word in _ENGLISH_MARKS for word in low))
    found = meanings_of(words)
    names, terms = [], []
    for place, (word, known) in enumerate(zip(words, found, strict=True)):
        if low[place] in _FUNCTION_WORDS:
            continue
        term = Term(
            word.group(), stem(word.group()), known, word.start(), word.end(), hint=stem(low[place]) in _HINTS,
            counted=_counted(low, place),
        )  # fmt: skip
        (names if _is_name(word.group(), place, known, german) else terms).append(term)
    return Question(text, tuple(names), tuple(terms), asked(text), german)


_ENGLISH_MARKS = frozenset(["the", "of", "is", "are", "was", "were", "who", "what", "when", "where", "why", "how", "which", "does", "did", "do", "has", "have"])


def _counted(low: list[str], place: int) -> bool:
    """The word after "how many"."""
    return tuple(low[max(0, place - 2) : place]) in (("how", "many"), ("wie", "viele"))


def _is_name(word: str, place: int, known: frozenset[int], german: bool) -> bool:
    if any(letter.isdigit() for letter in word):
        return True
    if german:
        return word[0].isupper() and place > 0 and not known
    inner = any(letter.isupper() for letter in word[1:])
    return word[0].isupper() and place > 0 and not (known and inner)


def meanings_of(words: list[re.Match[str]]) -> list[frozenset[int]]:
    """For each word the meanings of it alone and of the phrases of two or three words that it is part of."""
    table = meanings()
    stems = [stem(word.group()) for word in words]
    found = [set(table.get(root, ())) for root in stems]
    for size in (2, 3):
        for begin in range(len(stems) - size + 1):
            for number in table.get(" ".join(stems[begin : begin + size]), ()):
                for place in range(begin, begin + size):
                    found[place].add(number)
    return [frozenset(numbers) for numbers in found]


_ASKED: tuple[tuple[Asked, str], ...] = (
    (Asked.REASON, r"^(why|warum|wieso|weshalb)\b|\bwhat (caused|was the (reason|cause))|\bfor what reason"),
    (Asked.FREQUENCY, r"\bhow (often|frequently)\b|\bwie (oft|häufig)\b|\bintervals?\b|\bhow many times\b"),
    (Asked.PERCENT, r"\b(percent|percentage|interest|share|prozent|zinssatz|zinsen|anteil)\b"),
    (
        Asked.MONEY,
        r"\bhow much (does|do|did|is|was|were|are|will|has|have|must|should|can) .*\b(cost|pay|paid|earn|fee|price|charge|spend|spent|sell|sold|worth|raise|raised|need)\b|\b(price|cost|costs|fee|fees|fare|revenue|turnover|salary|wage|budget|profit|deposit|rent|fine|allowance)\b|\bwhat sum\b|\bhave to pay\b|\bhow (expensive|much money)\b|\b(preis|kosten|kostet|umsatz|gehalt|miete|kaution|gebühr|teuer|lohn|gewinn)\b",
    ),
    (Asked.WEIGHT, r"\bhow heavy\b|\bweigh(t|s)?\b|\bgewicht\b|\bwiegt\b|\bwie schwer\b|\bmass of\b"),
    (
        Asked.DURATION,
        r"\bhow long\b(?! (is|are|was) the (pipe|river|bridge|road|tunnel|wall|cable|line|track))|\bhow many (days|hours|weeks|months|years|minutes|seconds)\b|\bfor (what|how) (period|long)\b|\bhow (soon|old)\b|\bhow much time\b|\bwie (lange|alt)\b|\bwie viele (tage|stunden|wochen|monate|jahre|minuten)\b|\bdauer\b|\bduration\b",
    ),
    (
        Asked.TEMPERATURE,
        r"\btemperature\b|\bhow (hot|cold|warm)\b|\btemperatur\b|\bwie (heiß|kalt|warm)\b",
    ),
    (Asked.SPEED, r"\bhow fast\b|\bspeed\b|\bwie schnell\b|\bgeschwindigkeit\b"),
    (Asked.AREA, r"\bwhat area\b|\bsurface area\b|\bfläche\b"),
    (Asked.SIZE, r"\bhow (large|big)\b|\bwie groß\b|\bsize of\b"),
    (
        Asked.LENGTH,
        r"\bhow (tall|high|deep|wide|far|long)\b|\bheight\b|\bdepth\b|\bwidth\b|\blength\b|\bdistance\b|\belevation\b|\bwie (hoch|tief|breit|weit|lang)\b",
    ),
    (
        Asked.DATE,
        r"^(when|wann|since when|seit wann)\b|\bwhen (was|did|were|is|does|will)\b|\b(in )?(which|what|welchem|welchen) (year|date|day|month|jahr|tag|monat|century|jahrhundert)\b|\bdate of\b|\bat (what|which) time\b|\bduring which months\b|\bum wie viel uhr\b|\bon (what|which) day\b",
    ),
    (Asked.NUMBER, r"\bhow many\b|\bwie viele?\b|\bnumber of\b|\bwhat number\b|\bhow much\b|\banzahl\b|\bwhich number\b"),
    (
        Asked.PERSON,
        r"\b(who|whom|whose|from whom|which person|what person|wer|wen|wem|wessen)\b|\bname of the (ceo|director|owner|author|founder|manager)\b",
    ),
    (Asked.PLACE, r"\b(where|in which (city|country|town|place)|which city|wo|wohin|woher|in welcher stadt|in welchem land|home town|birthplace)\b"),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _ASKED)


def asked(text: str) -> Asked:
    return next((kind for kind, pattern in _PATTERNS if pattern.search(text)), Asked.OTHER)


