"""Checks a language model's answer against the sources that it names.

A statement is supported where the rules of `entailment` find that a sentence of a source entails it, and where every
address in it, of a page, a picture or a person, occurs in that source literally. Others are left out; those that the
rules leave open are collected for a model to judge.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from shared.answers.citations import AnswerText, CheckedText
from shared.answers.entailment.alignment import Alignment
from shared.answers.entailment.judge import Verdict, decide
from shared.answers.entailment.reading import SentenceReading
from shared.answers.entailment.sources import SourceSentence, sentences_in
from shared.answers.inert import decoded, visible
from shared.answers.prompting import NO_ANSWER
from shared.answers.question import german_lead
from shared.answers.statements import StatementReader
from shared.answers.stems import WORD
from shared.proxy.execution.control_tokens import restored
from shared.types.passage import Found

_MARKS = re.compile(r"(?<!\s)\s*+\[(\d{1,3}(?:\s*+,\s*+\d{1,3})*+)\]")
_ADDRESS = re.compile(
    r"""\b(?:[a-z][a-z0-9+.-]{0,20}://|(?:javascript|data|mailto|file|tel|vbscript):|www\.)[^\s<>"'\]]+"""
    r"""|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|\]\([^\s)]*|//[^\s<>"'\]]+|\b(?:[\w-]{1,63}\.){1,8}[a-z]{2,63}/[^\s<>"'\]]+""",
    re.IGNORECASE,
)
_STOPS = ".!?…。！？"
_AROUND_NO_ANSWER = " .!*_\"'"
_CLOSER = 8
"""How many sentences are compared with a statement closely."""


class _Statement(Struct, frozen=True):
    """A sentence of the answer without its marks, and the numbers that they held."""

    text: str
    named: tuple[int, ...]

    @property
    def addresses(self) -> list[str]:
        found = (each.removeprefix("](").removeprefix("mailto:") for each in _ADDRESS.findall(self.text))
        return [each.rstrip(".,;:!?)") for each in found]


class OpenStatement(Struct, frozen=True, eq=False):
    """A statement that no rule contradicts, but of which too many words have no counterpart in its sentence. `stop` are
    its last characters."""

    text: str
    stop: str
    sentence: SourceSentence
    score: float


class SupportCheck:
    """Checks an answer while it arrives, and adds its supported statements to `answer`, each with its citation mark.
    `sources` are those of the prompt, the first numbered 1. `open` collects what the rules do not decide; it is left
    out unless `add` is called for it."""

    def __init__(self, sources: Sequence[Found], answer: AnswerText) -> None:
        self._sources = sources
        self._answer = answer
        self._reader = StatementReader()
        self._german_lead = 0
        self.open: list[OpenStatement] = []

    def feed(self, piece: str) -> Iterator[CheckedText]:
        """Yields the supported statements that are complete with this piece."""
        return self._supported(self._reader.feed(visible(piece)))

    def finish(self) -> Iterator[CheckedText]:
        """Yields the remaining ones, once the answer is whole."""
        return self._supported(self._reader.finish())

    def _supported(self, statements: Iterator[str]) -> Iterator[CheckedText]:
        for raw in statements:
            statement = self._statement(decoded(restored(raw)))
            if statement is None or (found := _best_support(statement, self._sentences)) is None:
                continue
            verdict, number, sentence = found
            bare = statement.text.rstrip(_STOPS)
            stop = statement.text[len(bare) :]
            read = OpenStatement(bare, stop, sentence, self._sources[number].score)
            if verdict is Verdict.OPEN:
                self.open.append(read)
            elif added := self.add(read):
                yield added

    def add(self, one: OpenStatement) -> CheckedText | None:
        return self._answer.add(one.text, one.sentence.passage, one.sentence.quote, one.score, one.stop)

    def _statement(self, written: str) -> _Statement | None:
        """None for one that states nothing."""
        numbers = [int(number) for mark in _MARKS.findall(written) for number in mark.split(",")]
        bare = _MARKS.sub("", written).strip()
        self._german_lead += german_lead(word.group().lower() for word in WORD.finditer(bare))
        if bare.strip(_AROUND_NO_ANSWER).upper() == NO_ANSWER or not any(each.isalnum() for each in bare):
            return None
        return _Statement(bare, tuple(dict.fromkeys(numbers)))

    @cached_property
    def _sentences(self) -> list[list[SourceSentence]]:
        return [sentences_in(found.passage, self._german_lead > 0) for found in self._sources]


def _best_support(
    statement: _Statement, read: Sequence[list[SourceSentence]]
) -> tuple[Verdict, int, SourceSentence] | None:
    """Finds the sentence that entails it, in the sources that it names first and then in the others; else the one that
    leaves it open."""
    if addresses := statement.addresses:
        read = [
            source if source and all(address in source[0].passage.text for address in addresses) else []
            for source in read
        ]
    named = [number - 1 for number in statement.named if 1 <= number <= len(read)]
    others = [place for place in range(len(read)) if place not in named]
    readings = {german: SentenceReading(statement.text, german) for german in (False, True)}
    undecided = None
    for places in (named, others):
        nearest = _nearest(readings, [(place, sentence) for place in places for sentence in read[place]])
        pairs = [Alignment(readings[each.reading.german], each.reading, each.context) for _, each in nearest]
        verdict, place = decide(pairs)
        if verdict is Verdict.ENTAILED:
            return verdict, *nearest[place]
        if verdict is Verdict.OPEN and undecided is None:
            undecided = (verdict, *nearest[place])
    return undecided


def _nearest(
    readings: Mapping[bool, SentenceReading], sentences: Sequence[tuple[int, SourceSentence]]
) -> list[tuple[int, SourceSentence]]:
    """The sentences with most of its words: the others need no closer look."""
    common = [
        (sentence.shares_with(readings[sentence.reading.german]), place)
        for place, (_, sentence) in enumerate(sentences)
    ]
    best = sorted(common, key=lambda one: (-one[0], one[1]))[:_CLOSER]
    return [sentences[place] for share, place in best if share > 0]
