"""The sentences of a passage, each with what it refers to, ready to be compared with statements."""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from shared.answers.entailment.alignment import Context, label_of, refers_back
from shared.answers.entailment.amounts import same_value
from shared.answers.entailment.lexicon import word_set
from shared.answers.entailment.reading import SentenceReading, Word
from shared.answers.question import german_lead
from shared.answers.sentences import SentenceKind, SentenceSpan, sentences_of
from shared.answers.stems import WORD
from shared.types.passage import Passage

_BEFORE = 2
"""How many sentences before it a sentence may refer to."""

_MOST_WORDS = 60
"""Names and words of headings that a sentence may refer to."""

_ARTICLES = word_set("articles")
_PAIR = re.compile(r"[^\W\d_][\w /()-]{1,30}:[ \t]+\S[^\n]{0,80}\Z")
"""A line such as "Price: 12 euros"."""

_MOST_LINES = 40
"""Of a record that is read as one."""

_YES = frozenset(["yes", "ja", "x", "✓", "✔", "true", "wahr"])
_NO = frozenset(["no", "nein", "-", "–", "false", "falsch", "none", "keine"])


class SourceSentence(Struct, frozen=True, eq=False, dict=True):
    """A sentence or row of a passage: `passage.text[start:end]`. `context` are the words that it refers to."""

    passage: Passage
    start: int
    end: int
    reading: SentenceReading
    context: Context

    @property
    def quote(self) -> str:
        return self.passage.text[self.start : self.end]

    def shares_with(self, statement: SentenceReading) -> float:
        """How many of the statement's words and numbers it has, or words of the same meaning, from 0 to 1."""
        roots, senses = self._roots, self._senses
        found = [word.root in roots or not senses.isdisjoint(word.senses) for word in statement.content]
        found += [any(same_value(one, other) for other in self.reading.quantities) for one in statement.quantities]
        return sum(found) / len(found) if found else 0.0

    @cached_property
    def _roots(self) -> frozenset[str]:
        return frozenset(word.root for word in (*self.reading.words, *self.context.words))

    @cached_property
    def _senses(self) -> frozenset[int]:
        return frozenset[int]().union(*(word.senses for word in (*self.reading.words, *self.context.words)))


def sentences_in(passage: Passage, german: bool) -> list[SourceSentence]:
    """`german`: by the rules of German where the passage has no word that shows its language, as a table may."""
    lead = german_lead(word.group().lower() for word in WORD.finditer(passage.text))
    german = lead > 0 or (lead == 0 and german)
    headings = [*SentenceReading(passage.context, german).words]
    names: list[Word] = []
    labels: set[tuple[str, float]] = set()
    recent: list[SentenceReading] = []
    found: list[SourceSentence] = []
    for span in sentences_of(passage.text):
        reading = SentenceReading(_text(passage, span, german), german)
        if span.kind is SentenceKind.HEADING:
            headings = [*headings, *reading.words][-_MOST_WORDS:]
            continue
        context = _context(reading, headings, names, recent, labels, is_row=span.kind is SentenceKind.ROW)
        found.append(SourceSentence(passage, span.start, span.end, reading, context))
        if len(names) < _MOST_WORDS:
            names += [word for word in reading.words if _is_proper(word)]
            labels |= {label for one in reading.quantities for label in label_of(reading, one)}
        recent = [*recent, reading][-_BEFORE:]
    found += [_record(passage, lines[:_MOST_LINES], headings, german) for lines in _records(found) if len(lines) > 1]
    return found


def _records(sentences: Sequence[SourceSentence]) -> Iterator[list[SourceSentence]]:
    """Lines such as "Price: 12 euros" that follow each other are one record."""
    lines: list[SourceSentence] = []
    for sentence in sentences:
        is_pair = _PAIR.match(sentence.quote) is not None
        if lines and not (is_pair and _adjoins(lines[-1], sentence)):
            yield lines
            lines = []
        if is_pair:
            lines.append(sentence)
    if lines:
        yield lines


def _adjoins(line: SourceSentence, other: SourceSentence) -> bool:
    return not line.passage.text[line.end : other.start].replace("\n", "", 1).strip(" \t\r")


def _record(
    passage: Passage, lines: Sequence[SourceSentence], headings: Sequence[Word], german: bool
) -> SourceSentence:
    reading = SentenceReading("; ".join(line.quote for line in lines), german)
    return SourceSentence(passage, lines[0].start, lines[-1].end, reading, Context(tuple(headings), is_row=True))


def _context(
    reading: SentenceReading,
    headings: Sequence[Word],
    names: Sequence[Word],
    recent: Sequence[SentenceReading],
    labels: set[tuple[str, float]],
    *,
    is_row: bool,
) -> Context:
    if is_row:
        return Context(tuple(headings), is_row=True)
    if not refers_back(reading.text):
        return Context((*headings, *names))
    near = [word for each in recent for word in each.words if reading.german or _is_named(word)]
    return Context((*headings, *near, *names), frozenset(labels))


def _is_proper(word: Word) -> bool:
    """A name, as far as its capital and an unknown word show one; a German noun with an article is none."""
    return word.text[0].isupper() and word.content and (word.name or word.before[1] not in _ARTICLES)


def _is_named(word: Word) -> bool:
    """Whether an English word belongs to something that has an article."""
    return word.text[0].isupper() or bool(_ARTICLES & frozenset(word.before))


def _text(passage: Passage, span: SentenceSpan, german: bool) -> str:
    """A row is read as its columns with their names, "Seats: 40; Price: 12 euros"."""
    text = passage.text[span.start : span.end]
    if span.kind is not SentenceKind.ROW or not span.lead:
        return text
    names, cells = _cells(span.lead), _cells(text)
    return "; ".join(_cell(name, cell, german) for name, cell in zip(names, cells, strict=False) if cell)


def _cells(row: str) -> Sequence[str]:
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def _cell(name: str, cell: str, german: bool) -> str:
    if cell.lower() in _YES:
        return name
    if cell.lower() in _NO:
        return f"{'kein' if german else 'no'} {name}"
    return f"{name}: {cell}"
