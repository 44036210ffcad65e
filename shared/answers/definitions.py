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
    sentences = list(_sentences(term, passages))
    for pattern in _patterns(re.escape(term), bool(asked["verb"])):
        begins = re.compile(pattern, re.IGNORECASE)
        for found, text in sentences:
            if begins.match(text):
                return found
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


def _sentences(term: str, passages: Sequence[Passage]) -> Iterator[tuple[Definition, str]]:
    """Yields the sentences of the passages that have the term, each with what is read of it."""
    for passage in passages:
        if term.lower() not in folded(passage.text).lower():
            continue
        for span in sentences_of(passage.text):
            if span.kind is SentenceKind.SENTENCE:
                quote = passage.text[span.start : span.end]
                yield Definition(passage, quote), folded(quote).lstrip("-*+• ")
