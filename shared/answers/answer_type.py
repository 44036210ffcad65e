"""Classifies a question by the type of answer that it asks for: a date, a sum, a person, a place."""

import re
from enum import Enum


class AnswerType(Enum):
    """What would answer the question."""

    NUMBER = "number"
    MONEY = "money"
    DURATION = "duration"
    EXTENT = "extent"
    """How long something is: a length or a duration."""
    AGE = "age"
    """How long something has been: years, or the year since when."""
    DATE = "date"
    PAST = "past"
    """When something happened, once: a weekday or a time of day is not enough."""
    LENGTH = "length"
    SIZE = "size"
    AREA = "area"
    SPEED = "speed"
    TEMPERATURE = "temperature"
    WEIGHT = "weight"
    PERCENT = "percent"
    PERSON = "person"
    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    COLOUR = "colour"
    PLACE = "place"
    REASON = "reason"
    FREQUENCY = "frequency"
    OTHER = "other"


_AMOUNT = (
    r"(?:bestand|schaden|schäden|rücklagen?|betrag|summe|budget|verlust|quote|satz|rate|zahl|strafe|beitrag|prämie|rente|"
    r"steuern?|zuschuss|förderung|selbstbeteiligung|rabatt|druck|spannung|leistung|verbrauch|auflage|beteiligung|"
    r"ausgaben|einnahmen|kredit|schulden|defizit|überschuss|bußgeld|honorar|menge|anzahlung|risiko|feuchtigkeit|feuchte|"
    r"strom|last|wert|guthaben|vermögen|spende|pfand|ertrag|anteil|dosis|konzentration|geschwindigkeit|frequenz|saldo)"
)
_AMOUNT_EN = (
    r"(?:current|voltage|pressure|balance|risk|rate|damage|loss|budget|deficit|debt|reserves?|level|dose|consumption|"
    r"frequency|load|humidity|deductible|penalty|amount|stake|turnout|yield|bonus)"
)
"""What is high without being tall."""

_PATTERNS_BY_TYPE: tuple[tuple[AnswerType, tuple[str, ...]], ...] = (
    (
        AnswerType.REASON,
        (
            r"^(?:why|warum|wieso|weshalb)\b|なぜ|どうして",
            r"\bwhat (?:caused|was the (?:reason|cause))",
            r"\bwhat reason\b",
        ),
    ),
    (AnswerType.PERSON, (r"^(?:who|whom|whose|wer|wem|wessen)\b(?!\s*(?:often|much|many))",)),
    (AnswerType.PHONE, (r"\b(?:tele)?phone number\b|\btelefonnummer\b",)),
    (AnswerType.EMAIL, (r"\be-?mail[ -]address\b|\be-?mail-?adresse\b",)),
    (AnswerType.COLOUR, (r"\b(?:what|which) colou?r\b|\bcolou?r of\b|\bwelche farbe\b",)),
    (
        AnswerType.FREQUENCY,
        (r"\bhow (?:often|frequently)\b", r"\bwie (?:oft|häufig)\b", r"\bintervals?\b", r"\bmany times\b"),
    ),
    (AnswerType.PAST, (r"^when (?:was|were|did)\b|^wann (?:wurden?|war|waren|hat|haben|kam|starb)\b",)),
    (AnswerType.DATE, (r"^(?:when|wann|since when|seit wann)\b",)),
    (AnswerType.PERCENT, (r"\b(?:percent|percentage|interest|share|prozent|zinssatz|zinsen|anteil)\b",)),
    (
        AnswerType.MONEY,
        (
            r"\bhow much\b(?:(?!how much\b).)*"
            r"\b(?:cost|pay|paid|earn|fee|price|charge|spend|spent|sell|sold|worth|raised?)\b",
            r"\b(?:prices?|costs?|fees?|fare|revenue|turnover|salary|wage|budget|profit|deposit|rent|fine|allowance)\b",
            r"\bwhat sum\b|\bhave to pay\b|\bhow (?:expensive|much money)\b",
            r"\bwie viel\b.*\b(?:verdien\w+|bezahl\w+|zahl(?:t|en|st|e)?|kosten|einnahm\w*|gespendet)\b",
            r"\b(?:kostet|teuer)\b|(?:preise?|kosten|umsatz|gehalt|miete|kaution|gebühr(?:en)?|lohn|gewinn|entgelt)\b",
        ),
    ),
    (
        AnswerType.WEIGHT,
        (r"\bhow heavy\b", r"\bweigh(?:t|s)?\b", r"\bmass of\b", r"\bgewicht\b|\bwiegt\b|\bwie schwer\b"),
    ),
    (AnswerType.AGE, (r"\bhow (?:old\b|long (?:has|have|had)\b)", r"\bwie alt\b")),
    (AnswerType.NUMBER, (rf"\bwie hoch\b.*{_AMOUNT}\b|\bhow high\b.*{_AMOUNT_EN}\b",)),
    (AnswerType.EXTENT, (r"\bhow long (?:is|are|was|were)\b",)),
    (
        AnswerType.DURATION,
        (
            r"\bhow long\b",
            r"\bhow many (?:days|hours|weeks|months|years|minutes|seconds)\b|\bfor (?:what|how) (?:period|long)\b",
            r"\bhow soon\b|\bhow much time\b|\bduration\b",
            r"\bwie lange\b|\bwie lang (?:dauer|währ|braucht)",
            r"\bwie viele (?:tage|stunden|wochen|monate|jahre|minuten)\b|\bdauer\b",
        ),
    ),
    (
        AnswerType.TEMPERATURE,
        (r"\btemperature?\b|\bhow (?:hot|cold|warm)\b|\bwie (?:heiß|kalt|warm)\b|\btemperatur\b",),
    ),
    (AnswerType.SPEED, (r"\bhow fast\b|\bspeed\b|\bwie schnell\b|\bgeschwindigkeit\b",)),
    (AnswerType.AREA, (r"\bwhat area\b|\bsurface area\b|\bfläche\b",)),
    (AnswerType.SIZE, (r"\bhow (?:large|big)\b|\bwie groß\b|\bsize of\b",)),
    (
        AnswerType.LENGTH,
        (
            r"\bhow (?:tall|high|deep|wide|far)\b|\b(?:height|depth|width|length|distance|elevation)\b",
            r"\bwie (?:hoch|tief|breit|weit|lang)\b",
        ),
    ),
    (
        AnswerType.PAST,
        (
            r"\bdate of\b",
            r"\b(?:which|what|welche[mnrs]) (?:year|century|jahr|jahrhundert)\b",
        ),
    ),
    (
        AnswerType.DATE,
        (
            r"\bwhen (?:was|did|were|is|does|will)\b|\bdate of\b",
            r"\b(?:which|what|welche[mnrs]) (?:year|date|day|month|century|jahr|tag|monat|jahrhundert)\b",
            r"いつ|何時|何曜日|何月|何年",
            r"\bat (?:what|which) time\b|\bduring which months\b|\bon (?:what|which) day\b|\bum wie viel uhr\b",
        ),
    ),
    (
        AnswerType.NUMBER,
        (r"\bhow (?:many|much)\b|\b(?:what|which) number\b|\bnumber of\b|\bwie viele?\b|\banzahl\b|何人|何個|いくつ",),
    ),
    (
        AnswerType.PERSON,
        (
            r"\b(?:who|whom|whose|which person|what person|wer|wen|wem|wessen)\b|誰|だれ",
            r"\b(?:which|what) (?:company|firm|organi[sz]ation|manufacturer|supplier|author|artist|architect|painter|"
            r"bank|brand|publisher|airline|agency|university|team|scientist|engineer)\b",
            r"\bname of the (?:ceo|director|owner|author|founder|manager)\b",
        ),
    ),
    (AnswerType.NAME, (r"\bname of\b",)),
    (
        AnswerType.PLACE,
        (
            r"\bwhere\b|\b(?:which|what) (?:city|country|town|place|village|region)\b|\bhome town\b|\bbirthplace\b",
            r"\b(?:wo|wohin|woher)\b|\bwelche[mnrs] (?:stadt|land|ort)\b|どこ|何処",
        ),
    ),
)
_PATTERNS = tuple((kind, re.compile("|".join(patterns), re.IGNORECASE)) for kind, patterns in _PATTERNS_BY_TYPE)


def answer_type(text: str) -> AnswerType:
    """The first type that fits: "how much does it cost" asks for money before it asks for a number."""
    return next((kind for kind, pattern in _PATTERNS if pattern.search(text)), AnswerType.OTHER)
