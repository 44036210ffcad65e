"""Whether a sentence holds something of the type that a question asks for: a date, a sum, a person, a place."""

import re

from shared.answers.answer_type import AnswerType
from shared.answers.lexicon import words as word_list

_FUNCTION_WORDS = word_list("function")
_TENS = r"(?:zwanzig|dreißig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig)"
_COUNTING = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|"
    r"eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?|dozens?|"
    r"zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|dreizehn|vierzehn|fünfzehn|sechzehn|siebzehn|achtzehn|"
    rf"neunzehn|(?:(?:ein|zwei|drei|vier|fünf|sechs|sieben|acht|neun)und)?{_TENS}|(?:zwei|drei|vier|fünf|sechs|sieben|"
    r"acht|neun)?hundert|(?:zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn)?tausend|million(?:en)?|dutzend)"
)
_NUMBER_WORD = rf"(?:{_COUNTING}|half|third|fifth|quarter|couple|single|no|none|eine[nrsm]?|halb)"
_YEAR = r"\b1[0-9]\d\d\b(?![.,]\d)|\b20\d\d\b(?![.,]\d)"
QUANTITY = re.compile(
    rf"(?!(?:1[0-9]|20)\d\d\b(?![.,]\d)|\d{{1,2}}:\d\d)(?<![\w.,:])\d+(?:[.,]\d+)*|\b{_NUMBER_WORD}\b", re.IGNORECASE
)
"""A number that counts or measures: no year, no time of day."""

_COUNTED = re.compile(rf"\d|\b{_COUNTING}\b", re.IGNORECASE)
_NUMERAL = re.compile(rf"\d[\d.,:]*|\b{_COUNTING}\b", re.IGNORECASE)
_PRICED = re.compile(
    rf"(?:\d|\b{_COUNTING}\b).{{0,60}}(?:%|percent|per cent|prozent|rent|miete|pay\b|wage|salar)"
    rf"|(?:price|cost|fee|rent|fare|wage|salary|amount|total|revenue|budget|preis|kost|miete|gebühr|gehalt|lohn|betrag|"
    rf"umsatz|gewinn|summe).{{0,60}}(?:\d|\b{_COUNTING}\b)|\b(?:free|kostenlos|umsonst|gratis|nothing|nichts)\b",
    re.IGNORECASE,
)
_A_UNIT = re.compile(
    r"\b(?:an?|half an?|eine?n?|einem) (?:kilo\w*|gram\w*|tonne|pound|litres?|liters?|gallon|cup|metre|meter|mile|inch"
    r"|foot|hour|day|week|month|year|minute|hundred|thousand|million|dozen|stunde|tag|woche|monat|jahr|minute|liter|pfund)\b",
    re.IGNORECASE,
)

_UNIT = rf"(?:(?<!\d)\d[\d.,½]{{0,40}}+|\b{_NUMBER_WORD})(?:[ \u00a0-]\w+)?[ \u00a0-]?"
MONTH = (
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
        r"\w{1,30}/s|\w{1,30} (?:per|a|an) (?:second|minute|hour)|"
        r"\w{1,30} (?:pro|je|in der) (?:sekunde|minute|stunde))",
    ),
    AnswerType.TEMPERATURE: (rf"{_UNIT}(?:degrees?|°|celsius|fahrenheit|grad\b|kelvin)|°",),
    AnswerType.WEIGHT: (
        rf"{_UNIT}(?:kg|g|mg|kilos?|kilogram\w*|gram\w*|tonnes?|tons?|pounds?|lbs?|ounces?|tonnen|pfund)\b",
    ),
    AnswerType.PERCENT: (
        r"(?<!\d)(?<!\d[.,])\d[\d.,]*+ ?(?:%|percent|per cent|prozent)",
        rf"\b{_NUMBER_WORD} (?:percent|per cent|prozent)",
        r"%|\b(?:third|quarter|fifth|half|viertel|hälfte|drittel)\b",
    ),
    AnswerType.FREQUENCY: (
        r"\b(?:every|each|once|twice|daily|weekly|monthly|yearly|annually|hourly|quarterly|times|per|always|never)\b",
        r"\b(?:jede[nrs]?|täglich|wöchentlich|monatlich|jährlich|einmal|zweimal|mal|alle|seldom|selten)\b",
        r"(?<![\w.])[\d.]++ (?:years|jahre)|\b\w*(?:interval|intervall|abstand|turnus|takt)\b",
        rf"\b(?:after|nach|at) {_UNIT}(?:minut|hour|day|week|month|stunde|tag|woche|monat)",
    ),
    AnswerType.DATE: (
        rf"{_YEAR}|\b\d{{1,2}}[:.]\d\d\b|\b(?:{MONTH}|{_WEEKDAY})s?\b|\b\d{{1,4}} (?:bc|ad|v\. chr)\b|\b\d\der\b",
        r"\b(?:spring|summer|autumn|winter|century|decade|o'clock|noon|midnight|a\.m|p\.m|uhr|jahrhundert|frühling|"
        r"sommer|herbst|yesterday|today|tomorrow|easter|christmas|whit|eve)s?\b",
        r"\b(?:when|until|before|after|as soon as|nachdem|bevor|sobald|wenn) \w+|\bhalf past\b",
        rf"\b(?:nach|vor|ab|binnen|innerhalb) (?:der|dem|den|von|einer|einem|\d+|{_NUMBER_WORD})\b \w+",
        r"\b(?:days?|weeks?|months?|years?) (?:ago|later|after|before)\b",
        r"[月火水木金土日]曜|[\d一二三四五六七八九十](?:年|月|日|時)|明日|昨日|今日|来週|先週|午前|午後",
        rf"\b(?:from|to|at|by|von|bis|um) (?:\d{{1,2}}|{_NUMBER_WORD})\b",
    ),
    AnswerType.PAST: (
        rf"{_YEAR}|\b(?:{MONTH}|{_WEEKDAY})\b|\b\d{{1,4}} (?:bc|ad|v\. chr)\b|\b\d\der\b|\b\d{{1,2}}:\d\d\b",
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
        r"\b(?:weil|weshalb|da|wegen|denn|deshalb|daher|damit|aufgrund|durch|um)\b",
    ),
}
_COMPILED = {kind: re.compile("|".join(patterns), re.IGNORECASE) for kind, patterns in _PATTERNS.items()}

_SPACES = 20
"""How many characters before a word are searched for what ends the sentence before it."""
_CAPITAL = re.compile(r"\b[A-ZÄÖÜ][\w'’-]*")
_NOT_A_NAME = re.compile(
    rf"(?:{MONTH}|{_WEEKDAY}|the|a|an|in|on|at|it|its|he|his|she|her|they|their|this|that|these|those|to|from|by|for|of|and"
    r"|but|if|when|while|since|after|before|as|all|each|every|most|many|some|one|two|three|no|not|i|we|our|you|your"
    r"|der|die|das|ein|eine|im|am|in|es|er|sie|und|den|dem|wir|ihr|seit|nach|bei|mit|auf)",
    re.IGNORECASE,
)
_SOMEBODY = re.compile(
    r"\b(?:brothers?|sisters?|aunt|uncle|mother|father|son|daughter|owner|head|porter|staff|institute|council|"
    r"volunteers?|team|department|neighbou?r|manager|director|engineers?|architect|ministry|company|committee|board|"
    r"university|bank|agency|police|club|county|city|town|state|government|council|landlord|tenant|insurer|customer|supplier|teacher|students?|firma|verein|amt|behörde|team|leiter|chef|stadt|gemeinde|landkreis|vermieter|mieter|versicher|kunde|lieferant|genossenschaft|verband|bauer|schüler|eltern|polizei|feuerwehr|familie|hersteller)\w*\b",
    re.IGNORECASE,
)
_FULL_NAME = re.compile(
    r"(?:\b(?:Herrn?|Frau|Dr\.|Prof\.|Professorin|Professor|Familie|Firma|Trainer|Pfarrer|König|Kaiser|Papst|Graf) )"
    r"?(?P<name>(?:(?<=Herr )|(?<=Herrn )|(?<=Frau )|(?<=Dr\. )|(?<=Firma )|(?<=Familie )|(?<=Professor ))"
    r"[A-ZÄÖÜ][\w'’.-]+|(?<![\w-])(?:[A-ZÄÖÜ][a-zäöüßéè'’-]+|[A-Z]\.) [A-ZÄÖÜ][\w'’-]+)(?![\w-])"
)
_BARE_NAME = re.compile(
    r"(?:\b(?:von|durch|an|für|und|war|ist|heißt|heißen|wurde|hat|namens) |[:(] ?)"
    r"(?P<name>[A-ZÄÖÜ][a-zäöüß-]{2,})(?![\w])"
)
_SOMEWHERE = re.compile(
    r"\b(?:in|at|near|above|below|under|behind|between|beside|inside|into|im|bei|am|neben|hinter|unter|über|zwischen|vor|"
    r"from|to|on|auf|aus|by)(?: (?:the|a|an|der|die|das|dem|den|einer|einem|our|her|his|its))? (?!\d|[A-ZÄÖÜ])(\w+)"
)
_NO_PLACE = re.compile(
    rf"(?:{MONTH}|{_WEEKDAY}|spring|summer|autumn|winter|average|general|use|most|least|charge|full|first|year|month|week|"
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


def is_number(word: str) -> bool:
    return _NUMERAL.match(word) is not None


def has_quantity(wanted: AnswerType, sentence: str, question: frozenset[str]) -> bool:
    """Whether it holds any figure that may answer: the least that a question for one needs."""
    if wanted in (AnswerType.PHONE, AnswerType.EMAIL):
        return type_match(wanted, sentence, question) > 0
    if wanted is AnswerType.MONEY:
        return type_match(wanted, sentence, question) > 0 or _PRICED.search(sentence) is not None
    if any(found.group().lower() not in question for found in _NUMERAL.finditer(sentence)):
        return True
    return _A_UNIT.search(sentence) is not None or type_match(wanted, sentence, question) > 0.5


def _german_person(sentence: str, question: frozenset[str]) -> float:
    """1 for a first and a last name, or one behind a title; less for one capital word that no article or adjective
    stands before, since all German nouns have capitals."""
    if any(_is_new(found, question) for found in _FULL_NAME.finditer(sentence)):
        return 1.0
    if any(found.group().lower() not in question for found in _SOMEBODY.finditer(sentence)):
        return 0.7
    return 0.4 if any(_is_new(found, question) for found in _BARE_NAME.finditer(sentence)) else 0.0


def _is_new(found: re.Match[str], question: frozenset[str]) -> bool:
    words = [word.lower() for word in found["name"].split()]
    return question.isdisjoint(words) and not any(
        _NOT_A_NAME.fullmatch(one) or one in _FUNCTION_WORDS or _COUNTED.search(one) for one in words
    )


def type_match(wanted: AnswerType, sentence: str, question: frozenset[str], german: bool = False) -> float:
    """From 0 to 1; 1 where nothing special is asked for. A match among the question's own words does not count."""
    match wanted:
        case AnswerType.PERSON if german:
            return _german_person(sentence, question)
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
            found = [one.group().lower() for one in QUANTITY.finditer(sentence)]
            new = [one for one in found if one not in question]
            if any(_COUNTED.search(one) for one in new) or _A_UNIT.search(sentence):
                return 1.0
            return 0.5 if new else 0.0
    if wanted not in _COMPILED:
        return 1.0
    matches = (found.group().lower() for found in _COMPILED[wanted].finditer(sentence))
    return float(any(wanted is AnswerType.REASON or match not in question for match in matches))
