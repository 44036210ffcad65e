"""The kind of thing that a question asks for, told by its first words."""

import re
from enum import Enum


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


_ASKED: tuple[tuple[Asked, str], ...] = (
    (Asked.REASON, r"^(why|warum|wieso|weshalb)\b|\bwhat (caused|was the (reason|cause))|\bfor what reason"),
    (Asked.FREQUENCY, r"\bhow (often|frequently)\b|\bwie (oft|häufig)\b|\bintervals?\b|\bhow many times\b"),
    (Asked.PERCENT, r"\b(percent|percentage|interest|share|prozent|zinssatz|zinsen|anteil)\b"),
    (
        Asked.MONEY,
        r"\bhow much (does|do|did|is|was|were|are|will|has|have|must|should|can) .*\b(cost|pay|paid|earn|fee|price|charge|spend|spent|sell|sold|worth|raise|raised)\b|\b(price|cost|costs|fee|fees|fare|revenue|turnover|salary|wage|budget|profit|deposit|rent|fine|allowance)\b|\bwhat sum\b|\bhave to pay\b|\bhow (expensive|much money)\b|\b(preis|kosten|kostet|umsatz|gehalt|miete|kaution|gebühr|teuer|lohn|gewinn)\b",
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
    (
        Asked.NUMBER,
        r"\bhow many\b|\bwie viele?\b|\bnumber of\b|\bwhat number\b|\bhow much\b|\banzahl\b|\bwhich number\b",
    ),
    (
        Asked.PERSON,
        r"\b(who|whom|whose|from whom|which person|what person|wer|wen|wem|wessen)\b|\bname of the (ceo|director|owner|author|founder|manager)\b",
    ),
    (
        Asked.PLACE,
        r"\b(where|in which (city|country|town|place)|which city|wo|wohin|woher|in welcher stadt|in welchem land|home town|birthplace)\b",
    ),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _ASKED)


def asked(text: str) -> Asked:
    return next((kind for kind, pattern in _PATTERNS if pattern.search(text)), Asked.OTHER)
