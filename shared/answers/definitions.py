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
_OF_KIND = re.compile(
    r"(?:please )?(?:define|explain)\b|what(?: is|'s|’s) an?\b|was ist eine?\b|was versteht", re.IGNORECASE
)
_EXPANDS = re.compile(
    r"\b(?:stands? for|short for|abbreviation|abbreviates?|steht für|steht die abkürzung)\b", re.IGNORECASE
)
_INSIDE = re.compile(r"[^\W\d_]|\d")
_LONGEST_FORM = 120
"""Characters before an abbreviation in which its long form is looked for."""


class Definition(Struct, frozen=True):
    """`quote` stands literally in the passage."""

    passage: Passage
    quote: str


def asks_for_definition(question: Question) -> bool:
    """Whether it asks what kind of thing something is, or what its letters stand for: no cell of a table says that."""
    return _OF_KIND.match(question.text.strip()) is not None or asks_for_long_form(question)


def asks_for_long_form(question: Question) -> bool:
    return _EXPANDS.search(question.text) is not None


def defined_term(question: Question) -> str:
    """What it asks to define; empty for another question."""
    asked = _ASKED.fullmatch(question.text.strip())
    return asked["term"] if asked and _OF_KIND.match(question.text.strip()) else ""


def look_up_definition(question: Question, passages: Sequence[Passage]) -> Definition | None:
    """The first sentence that says what the term is; None for a question that asks for no definition."""
    asked = _ASKED.fullmatch(question.text.strip())
    if not asked or not _PLAIN.fullmatch(term := asked["term"].strip().strip("\"'“”„‚‘`")):
        return None
    if len(term.split()) > _MOST_WORDS:
        return None
    if asks_for_long_form(question) and term.islower():
        term = term.upper()
    sentences = list(_sentences(term, passages))
    if found := next((one for one, text in sentences if _has_long_form(term, text)), None):
        return found
    for pattern in _patterns(re.escape(term), asks_for_long_form(question) or bool(asked["verb"])):
        begins = re.compile(pattern, re.IGNORECASE)
        for found, text in sentences:
            if begins.match(text):
                return found
    return None


def _has_long_form(term: str, text: str) -> bool:
    """Whether the text writes an abbreviation out: "energy-corrected milk (ECM)", "ECM (energy-corrected milk)",
    "| ECM | energy-corrected milk |"."""
    if " " in term or sum(letter.isupper() for letter in term) < 2:
        return False
    marked = re.escape(term)
    before = re.search(rf"(?P<form>[^()\n|]{{1,{_LONGEST_FORM}}}) ?[(\[\"“„]+{marked}[)\]\"”“]", text)
    if before and _expands(term, before["form"]):
        return True
    behind = re.search(rf"(?<!\w){marked} ?(?:\(|=|[–—] |: |\| ?)(?P<form>[^()\n|;.]{{3,{_LONGEST_FORM}}})", text)
    return behind is not None and _begins_with_letters(term, behind["form"])


def _expands(term: str, form: str) -> bool:
    """Whether words at the end of the text have the letters of the abbreviation in order, the first one at a word's
    beginning, and are no more words than it can stand for."""
    letters = [letter.lower() for letter in term if _INSIDE.match(letter)]
    low, at = form.lower(), len(form)
    for place in range(len(letters) - 1, -1, -1):
        at -= 1
        while at >= 0 and (low[at] != letters[place] or (place == 0 and at > 0 and low[at - 1].isalnum())):
            at -= 1
        if at < 0:
            return False
    words = form[at:].split()
    own = {part.lower() for part in re.split(r"\W", term) if len(part) > 1}
    return len(words) <= len(letters) + 5 and own.isdisjoint(re.split(r"\W", low[at:]))


def _begins_with_letters(term: str, form: str) -> bool:
    words = re.findall(r"[^\W_]+", form)
    ends = range(1, min(len(words), 2 * len(term)) + 1)
    return any(_expands(term, " ".join(words[:end])) and words[0][0].lower() == term[0].lower() for end in ends)


def _patterns(term: str, abbreviated: bool) -> Iterator[str]:
    """How a sentence begins that defines the term."""
    marked = rf"[\"'“„*_`]*{term}[\"'”“*_`]*"
    if abbreviated:
        yield rf"(?:[^\n]*\b)?{marked} (?:stands? for|means?|is short for|steht für|bedeutet) "
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
            if span.kind is not SentenceKind.HEADING:
                quote = passage.text[span.start : span.end]
                yield Definition(passage, quote), folded(quote).lstrip("-*+• ")
