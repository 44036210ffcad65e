"""Definitions in a source: "X is …", "X: …", "X (…)" answer what X is."""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from shared.answers.question import Question
from shared.answers.sentences import SentenceKind, sentences_of
from shared.answers.stems import folded
from shared.types.passage import Passage

_ARTICLE = r"(?:(?:the|an?|der|die|das|den|eine?n?|the term|der begriff) )?"
_ASKED = re.compile(
    rf"(?:please )?(?:define|explain|(?:what|who)(?: is| are|'s|’s)(?: meant by)?|was (?:ist|sind)|wer ist"
    rf"|wie hoch (?:ist|sind)|was versteht man unter|(?:what|wofür|was) (?:does |do |steht |bedeutet |heißt |meint ))"
    rf"\s*{_ARTICLE}(?P<term>[^?.!]{{1,60}}?)"
    r"(?P<verb> (?:means?|stands? for|refers? to|short for))?\s*[?.!]*\s*",
    re.IGNORECASE,
)
_MEANS = "(?:means?|beträgt|betragen|stands? for|refers? to|denotes?|bedeutet|steht für|bezeichnet)"
_STATES = rf"(?:is|are|was|were|ist|sind|war|waren|heißt|{_MEANS})"
_DETERMINER = r"(?:an?|the|one|any|every|short|eine?r?|der|die|das|jede[rs]?|kurz)\b"
_MOST_WORDS = 5
_PLAIN = re.compile(r"[\w'’.&/+-]+(?: [\w'’.&/+-]+)*")


class Definition(Struct, frozen=True):
    """`quote` stands literally in the passage."""

    passage: Passage
    quote: str


def look_up_definition(question: Question, passages: Sequence[Passage]) -> Definition | None:
    """The first sentence that says what the term is; None for a question that asks for no definition."""
    asked = _ASKED.fullmatch(question.text.strip())
    if not asked or not _PLAIN.fullmatch(term := asked["term"].strip().strip("\"'“”„‚‘`")):
        return None
    if len(term.split()) > _MOST_WORDS:
        return None
    patterns = [re.compile(pattern, re.IGNORECASE) for pattern in _patterns(re.escape(term), bool(asked["verb"]))]
    for pattern in patterns:
        for passage in passages:
            if quote := _quote(pattern, passage, term):
                return Definition(passage, quote)
    return None


def _patterns(term: str, abbreviated: bool) -> Iterator[str]:
    """How a sentence begins that defines the term; an abbreviation is written out before it or behind it."""
    marked = rf"[\"'“„*_`]*{term}[\"'”“*_`]*"
    if abbreviated:
        yield rf"(?:[^\n]*\b)?{marked} (?:\((?=[^\W\d][^()]{{4,}}\))|(?:stands? for|means?|steht für|bedeutet) )"
        yield rf"[^\n]*[^\W\d_]{{3,}} \({marked}\)"
    states = rf"{_ARTICLE}{marked}(?: \([^()]{{1,60}}\))?,? {_STATES}"
    yield rf"{states} {_DETERMINER}"
    yield rf"{_ARTICLE}{marked}(?: {_MEANS} |: ?(?=\S+ \S+)| [–—] )"
    yield rf"{_ARTICLE}{marked} \((?=[^\W\d][^()]{{4,}}\))"


def _quote(pattern: re.Pattern[str], passage: Passage, term: str) -> str:
    if term.lower() not in folded(passage.text).lower():
        return ""
    for span in sentences_of(passage.text):
        text = passage.text[span.start : span.end]
        if span.kind is SentenceKind.SENTENCE and pattern.match(folded(text).lstrip("-*+• ")):
            return text
    return ""
