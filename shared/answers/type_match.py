"""Whether a sentence holds something of the type that a question asks for: a date, a sum, a person, a place."""

import re

from shared.answers.answer_type import AnswerType

_NUMBER_WORD = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|dozens?|"
    r"half|third|fifth|quarter|couple|single|no|none|eine[nrsm]?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|"
    r"zwanzig|dreißig|hundert|tausend|million(?:en)?|dutzend|halb)"
)
_YEAR = r"\b1[0-9]\d\d\b(?![.,]\d)|\b20\d\d\b(?![.,]\d)"
QUANTITY = re.compile(
    rf"(?!(?:1[0-9]|20)\d\d\b(?![.,]\d)|\d{{1,2}}:\d\d)(?<![\w.,:])\d+(?:[.,]\d+)*|\b{_NUMBER_WORD}\b", re.IGNORECASE
)
"""A number that counts or measures: no year, no time of day."""

_UNIT = rf"(?:(?<!\d)\d[\d.,½]{{0,40}}+|\b{_NUMBER_WORD})(?:[ \u00a0-]\w+)?[ \u00a0-]?"
_MONTH = (
    r"january|february|march|april|may|june|july|august|september|october|november|december|januar|februar|märz|mai|"
    r"juni|juli|oktober|dezember"
)
_WEEKDAY = (
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|"
    r"montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag"
)
_DURATION = (
    rf"{_UNIT}(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|nights?|h|min)\b",
    rf"{_UNIT}(?:sekunden?|minuten?|stunden?|tage?n?|wochen?|monate?n?|jahre?n?)\b",
    r"\b(?:from|von|between|zwischen) \d|\b(?:age of|lifetime|overnight|forever)\b|\bpermanent|\bindefinite",
)
_LENGTH = (
    rf"{_UNIT}(?:millimet|centimet|kilomet|met|mm\b|cm\b|km|m\b|m²|feet|foot|ft\b|inch|miles?|yards?)",
    rf"{_UNIT}(?:hectar|acres?|square|quadrat|hektar|astronomical|light)",
)
_PATTERNS: dict[AnswerType, tuple[str, ...]] = {
    AnswerType.MONEY: (
        r"[$€£¥]",
        r"\b(?:euros?|dollars?|pounds?|cents?|usd|eur|gbp|chf|francs?|pence|rupees?|yen|crowns?|kronen|kroner?|kr|nok|sek|dkk)\b",
        r"\b(?:free of charge|half fare|kostenlos|monatsmieten?)\b",
    ),
    AnswerType.DURATION: _DURATION,
    AnswerType.AGE: (*_DURATION, _YEAR),
    AnswerType.LENGTH: _LENGTH,
    AnswerType.EXTENT: (*_LENGTH, *_DURATION),
    AnswerType.AREA: (rf"{_UNIT}(?:square|hectare|acre|quadrat|hektar|km²|m²|sq\b)",),
    AnswerType.SPEED: (
        rf"{_UNIT}(?:km/h|kmh|mph|m/s|knots?|knoten|stundenkilometer|"
        r"\w{1,30}/s|\w{1,30} (?:per|a|an) (?:second|minute|hour))",
    ),
    AnswerType.TEMPERATURE: (rf"{_UNIT}(?:degrees?|°|celsius|fahrenheit|grad\b|kelvin)|°",),
    AnswerType.WEIGHT: (
        rf"{_UNIT}(?:kg|g|mg|kilos?|kilogram\w*|gram\w*|tonnes?|tons?|pounds?|lbs?|ounces?|tonnen|pfund)\b",
    ),
    AnswerType.PERCENT: (r"%|\b(?:percent|per cent|prozent|third|quarter|fifth|half|viertel|hälfte|drittel)\b",),
    AnswerType.FREQUENCY: (
        r"\b(?:every|each|once|twice|daily|weekly|monthly|yearly|annually|hourly|quarterly|times|per|always|never)\b",
        r"\b(?:jede[nrs]?|täglich|wöchentlich|monatlich|jährlich|einmal|zweimal|mal|alle|seldom|selten)\b",
        r"(?<![\w.])[\d.]++ (?:years|jahre)",
    ),
    AnswerType.DATE: (
        rf"{_YEAR}|\b\d{{1,2}}[:.]\d\d\b|\b(?:{_MONTH}|{_WEEKDAY})s?\b|\b\d{{1,4}} (?:bc|ad|v\. chr)\b|\b\d\der\b",
        r"\b(?:spring|summer|autumn|winter|century|decade|o'clock|noon|midnight|a\.m|p\.m|uhr|jahrhundert|frühling|"
        r"sommer|herbst|yesterday|today|tomorrow|easter|christmas|whit|eve)s?\b",
        r"\b(?:when|until|before|after|as soon as|nachdem|bevor|sobald) \w+|\bhalf past\b",
        r"\b(?:days?|weeks?|months?|years?) (?:ago|later|after|before)\b",
        r"[月火水木金土日]曜|[\d一二三四五六七八九十](?:年|月|日|時)|明日|昨日|今日|来週|先週|午前|午後",
        rf"\b(?:from|to|at|by|von|bis|um) (?:\d{{1,2}}|{_NUMBER_WORD})\b",
    ),
    AnswerType.PAST: (
        rf"{_YEAR}|\b(?:{_MONTH}|{_WEEKDAY})\b|\b\d{{1,4}} (?:bc|ad|v\. chr)\b|\b\d\der\b|\b\d{{1,2}}:\d\d\b",
        r"\b(?:century|decade|jahrhundert|yesterday|today|gestern|easter|christmas|(?<!long )ago|vor \w+ jahren)\b",
        r"\b(?:last|in|next|this|late|early|the|that) (?:spring|summer|autumn|winter|year|month|week)\b",
        r"\b(?:when|after|before|as soon as|nachdem|bevor|sobald) \w+",
    ),
    AnswerType.PHONE: (r"\+?\b\d[\d ()/-]{0,40}\d\b",),
    AnswerType.EMAIL: (r"\S@\S",),
    AnswerType.COLOUR: (
        r"\b(?:black|white|red|blue|green|yellow|orange|purple|violet|pink|brown|gr[ae]y|gold|silver|copper|bronze|beige|"
        r"teal|turquoise|scarlet|crimson|amber|ivory|colou?rless|transparent)(?:en|ish)?\b",
        r"\b(?:schwarz|weiß|rot|blau|grün|gelb|lila|violett|rosa|braun|grau|silbern?|golden|kupfern|türkis)",
    ),
    AnswerType.REASON: (
        r"\b(?:because|since|due|so that|so|therefore|as|caus\w+|reason|after|to|until|otherwise|prevents?)\b|;",
        r"\b(?:becom\w+|in order|led|owing|thus|hence|which|had)\b",
        r"\b(?:weil|da|wegen|denn|deshalb|daher|damit|aufgrund|durch|um)\b",
    ),
}
_COMPILED = {kind: re.compile("|".join(patterns), re.IGNORECASE) for kind, patterns in _PATTERNS.items()}

_SPACES = 20
"""How many characters before a word are searched for what ends the sentence before it."""
_CAPITAL = re.compile(r"\b[A-ZÄÖÜ][\w'’-]*")
_NOT_A_NAME = re.compile(
    rf"(?:{_MONTH}|{_WEEKDAY}|the|a|an|in|on|at|it|its|he|his|she|her|they|their|this|that|these|those|to|from|by|for|of|and"
    r"|but|if|when|while|since|after|before|as|all|each|every|most|many|some|one|two|three|no|not|i|we|our|you|your"
    r"|der|die|das|ein|eine|im|am|in|es|er|sie|und|den|dem|wir|ihr|seit|nach|bei|mit|auf)",
    re.IGNORECASE,
)
_SOMEBODY = re.compile(
    r"\b(?:brothers?|sisters?|aunt|uncle|mother|father|son|daughter|owner|head|porter|staff|institute|council|"
    r"volunteers?|team|department|neighbou?r|manager|director|engineers?|architect|ministry|company|committee|board|"
    r"university|bank|agency|police|club|firma|verein|amt|behörde|team|leiter|chef)\w*\b",
    re.IGNORECASE,
)
_SOMEWHERE = re.compile(
    r"\b(?:in|at|near|above|below|under|behind|between|beside|inside|into|im|bei|am|neben|hinter|unter|über|zwischen|vor|"
    r"from|to|on|auf|aus|by)(?: (?:the|a|an|der|die|das|dem|den|einer|einem|our|her|his|its))? (?!\d|[A-ZÄÖÜ])(\w+)"
)
_NO_PLACE = re.compile(
    rf"(?:{_MONTH}|{_WEEKDAY}|spring|summer|autumn|winter|average|general|use|most|least|charge|full|first|year|month|week|"
    r"day|time|end|beginning|case|addition|order|request|colours?|public|be|have|do|make|jahr|tag|ende)",
    re.IGNORECASE,
)
_JAPANESE_PLACE = re.compile(r"([\u4e00-\u9fff\u30a1-\u30ff]{1,20})(?:（[^（）]{0,40}）)?(?:で|に|へ)")
_LOCATED = re.compile(r"\b(?:in|at|near|im|bei|nahe)(?: the)? \Z", re.IGNORECASE)


def _has_new_name(sentence: str, question: frozenset[str], located: bool = True) -> bool:
    """Whether it holds a name that the question's words, in lower case, do not. Without `located` a name that only says
    where something is does not count."""
    for capital in _CAPITAL.finditer(sentence):
        word = capital.group().removesuffix("'s").removesuffix("’s")
        before = sentence[max(0, capital.start() - _SPACES) : capital.start()].rstrip()
        opens = before[-1:] in ".!?:|•-"
        if word.lower() in question or _NOT_A_NAME.fullmatch(word):
            continue
        if not located and _LOCATED.search(sentence, max(0, capital.start() - 12), capital.start()):
            continue
        if not opens or _CAPITAL.match(sentence, capital.end() + 1):
            return True
    return False


def type_match(wanted: AnswerType, sentence: str, question: frozenset[str]) -> float:
    """From 0 to 1; 1 where nothing special is asked for. A match among the question's own words does not count."""
    match wanted:
        case AnswerType.PERSON:
            if _has_new_name(sentence, question, located=False):
                return 1.0
            return 0.7 if any(found.group().lower() not in question for found in _SOMEBODY.finditer(sentence)) else 0.0
        case AnswerType.NAME:
            return float(_has_new_name(sentence, question, located=False))
        case AnswerType.PLACE:
            if any(found[1] not in question for found in _JAPANESE_PLACE.finditer(sentence)):
                return 1.0
            if _has_new_name(sentence, question):
                return 1.0
            places = (found.group(1).lower() for found in _SOMEWHERE.finditer(sentence))
            return 0.8 if any(place not in question and not _NO_PLACE.fullmatch(place) for place in places) else 0.0
        case AnswerType.NUMBER | AnswerType.SIZE:
            return float(any(found.group().lower() not in question for found in QUANTITY.finditer(sentence)))
    if wanted not in _COMPILED:
        return 1.0
    matches = (found.group().lower() for found in _COMPILED[wanted].finditer(sentence))
    return float(any(wanted is AnswerType.REASON or match not in question for match in matches))
