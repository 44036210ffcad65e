"""Checks a language model's answer against the sources that it names.

A statement is supported where a sentence of a source contains its numbers and names and most of its other words, or
words of the same meaning; where it denies nothing that the sentence does not deny; and where every address in it, of a
page, a picture or a person, occurs in that source literally. Unsupported statements are left out.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from shared.answers.citations import AnswerText, CheckedText
from shared.answers.evidence import TextWords, spelled_alike, words_of
from shared.answers.inert import decoded, visible
from shared.answers.lexicon import figures, words
from shared.answers.prompting import NO_ANSWER
from shared.answers.question import german_lead
from shared.answers.sentences import SentenceKind, sentences_of
from shared.answers.statements import StatementReader
from shared.answers.stems import WORD, stem
from shared.proxy.execution.control_tokens import restored
from shared.types.passage import Found, Passage

SUPPORTED = 0.5
"""The share of a statement's words that its source has to hold."""

_MARKS = re.compile(r"(?<!\s)\s*+\[(\d{1,3}(?:\s*+,\s*+\d{1,3})*+)\]")
_ADDRESS = re.compile(
    r"""\b(?:[a-z][a-z0-9+.-]{0,20}://|(?:javascript|data|mailto|file|tel|vbscript):|www\.)[^\s<>"'\]]+"""
    r"""|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|\]\([^\s)]*|//[^\s<>"'\]]+|\b(?:[\w-]{1,63}\.){1,8}[a-z]{2,63}/[^\s<>"'\]]+""",
    re.IGNORECASE,
)
_FUNCTION_WORDS = words("function")
_DENIALS = words("denials")
_NEGATIONS = words("negations")
_STOPS = ".!?…。！？"
_AROUND_NO_ANSWER = " .!*_\"'"
_BESIDE = 1
"""How many sentences beside the best one may help to support a statement."""


class _Sentence(Struct, frozen=True):
    passage: Passage
    start: int
    end: int
    words: TextWords
    around: TextWords


class _Statement(Struct, frozen=True):
    """A sentence of the answer without its marks, and the numbers that they held. `german`: its nouns have capitals,
    which are no names then."""

    text: str
    named: tuple[int, ...]
    german: bool

    @property
    def addresses(self) -> list[str]:
        found = (each.removeprefix("](").removeprefix("mailto:") for each in _ADDRESS.findall(self.text))
        return [each.rstrip(".,;:!?)") for each in found]

    @property
    def denies(self) -> bool:
        return _contains_any(self.text, _DENIALS)


class SupportCheck:
    """Checks an answer while it arrives, and adds its supported statements to `answer`, each with its citation mark.
    `sources` are those of the prompt, the first numbered 1."""

    def __init__(self, sources: Sequence[Found], answer: AnswerText) -> None:
        self._sources = sources
        self._answer = answer
        self._reader = StatementReader()
        self._german_lead = 0

    def feed(self, piece: str) -> Iterator[CheckedText]:
        """Yields the supported statements that are complete with this piece."""
        return self._supported(self._reader.feed(visible(piece)))

    def finish(self) -> Iterator[CheckedText]:
        """Yields the remaining ones, once the answer is whole."""
        return self._supported(self._reader.finish())

    def _supported(self, statements: Iterator[str]) -> Iterator[CheckedText]:
        for raw in statements:
            statement = self._statement(decoded(restored(raw)))
            support = _best_support(statement, self._sentences) if statement else None
            if statement is None or support is None:
                continue
            number, sentence = support
            quote = sentence.passage.text[sentence.start : sentence.end]
            bare = statement.text.rstrip(_STOPS)
            stop = statement.text[len(bare) :]
            if added := self._answer.add(bare, sentence.passage, quote, self._sources[number].score, stop):
                yield added

    def _statement(self, written: str) -> _Statement | None:
        """None for one that states nothing."""
        numbers = [int(number) for mark in _MARKS.findall(written) for number in mark.split(",")]
        bare = _MARKS.sub("", written).strip()
        self._german_lead += german_lead(word.group().lower() for word in WORD.finditer(bare))
        if bare.strip(_AROUND_NO_ANSWER).upper() == NO_ANSWER or not any(each.isalnum() for each in bare):
            return None
        return _Statement(bare, tuple(dict.fromkeys(numbers)), self._german_lead > 0)

    @cached_property
    def _sentences(self) -> list[list[_Sentence]]:
        return [_sentences(found.passage) for found in self._sources]


def _sentences(passage: Passage) -> list[_Sentence]:
    spans = list(sentences_of(passage.text))
    read = [words_of(f"{span.lead} {passage.text[span.start : span.end]}") for span in spans]
    context = words_of(passage.context)
    found = []
    for at, span in enumerate(spans):
        beside = read[max(0, at - _BESIDE) : at + _BESIDE + 1]
        known = frozenset[str]().union(context.known, *(each.known for each in beside))
        means = frozenset[int]().union(context.means, *(each.means for each in beside))
        if span.kind is not SentenceKind.HEADING:
            around = TextWords((), (), (), known, means)
            found.append(_Sentence(passage, span.start, span.end, read[at], around))
    return found


def _best_support(statement: _Statement, read: Sequence[list[_Sentence]]) -> tuple[int, _Sentence] | None:
    """Finds the sentence that supports it best, in the sources that it names first and then in the others."""
    if addresses := statement.addresses:
        read = [
            source if source and all(address in source[0].passage.text for address in addresses) else []
            for source in read
        ]
    named = [number - 1 for number in statement.named if 1 <= number <= len(read)]
    others = [place for place in range(len(read)) if place not in named]
    for places in (named, others):
        scored = [(_share(statement, sentence), place, sentence) for place in places for sentence in read[place]]
        best = max(scored, key=lambda one: (one[0], -one[1]), default=None)
        if best and best[0] >= SUPPORTED:
            return best[1], best[2]
    return None


def _contains_any(text: str, wanted: frozenset[str]) -> bool:
    return any(word.group().lower() in wanted for word in WORD.finditer(text.replace("’", "'")))


def _share(statement: _Statement, sentence: _Sentence) -> float:
    """How much of the statement's content the sentence holds, from 0 to 1; 0 where a number or a name is missing from
    it and its neighbours."""
    found = [word for word in WORD.finditer(statement.text) if word.group().lower() not in _FUNCTION_WORDS]
    negated = _contains_any(sentence.passage.text[sentence.start : sentence.end], _NEGATIONS)
    if not found or (statement.denies and not negated):
        return 0.0
    statement_words = words_of(statement.text)
    held = near = 0.0
    for word in found:
        root = stem(word.group())
        alike = _likeness(root, statement_words, sentence.words)
        beside = _likeness(root, statement_words, sentence.around)
        if figures().get(word.group().lower(), frozenset()) & sentence.around.known:
            alike = beside = 1.0
        if beside < 1 and _is_firm(word, statement):
            return 0.0
        held += alike
        near += max(alike, 0.7 * beside)
    return 0.7 * near / len(found) + 0.3 * held / len(found)


def _likeness(root: str, statement: TextWords, source: TextWords) -> float:
    if root in source.known:
        return 1.0
    at = statement.stems.index(root) if root in statement.stems else -1
    if at >= 0 and statement.meanings[at] & source.means:
        return 0.9
    return max(
        (spelled_alike(root, other, compounds=True) for other in source.known if other[:3] == root[:3]), default=0
    )


def _is_firm(word: re.Match[str], statement: _Statement) -> bool:
    """Whether the word must match exactly: a number or a name, where another one is another fact."""
    written = word.group()
    if written.lower() in figures():
        return True
    if any(character.isdigit() or character.isupper() for character in written[1:]) or written[0].isdigit():
        return True
    begins = not statement.text[: word.start()].strip(" \"'“„(*-•")
    return written[0].isupper() and not begins and not statement.german
