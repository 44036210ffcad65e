"""Checks a language model's answer against the sources that it names.

A statement is supported where a sentence of a source contains its numbers and names and most of its other words, or
words of the same meaning; where it denies nothing that the sentence does not deny; and where every address in it, of a
page, a picture or a person, occurs in that source literally. Unsupported statements are left out.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from shared.answers.citations import Verified, cite
from shared.answers.evidence import TextWords, spelled_alike, words_of
from shared.answers.lexicon import figures, words
from shared.answers.prompting import NO_ANSWER
from shared.answers.question import understand
from shared.answers.sentences import SentenceKind, sentences_of
from shared.answers.stems import WORD, stem
from shared.types.citation import Citation
from shared.types.passage import Found, Passage

SUPPORTED = 0.5
"""The share of a statement's words that its source has to hold."""

_MARKS = re.compile(r"\s*\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_TRAILING_MARKS = re.compile(r"([.!?…]+)((?:\s*\[\d{1,3}(?:\s*,\s*\d{1,3})*\])+)")
_ADDRESS = re.compile(
    r"""\b(?:[a-z][a-z0-9+.-]{0,20}://|(?:javascript|data|mailto|file|tel|vbscript):|www\.)[^\s<>"'\]]+"""
    r"""|[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+|\]\([^\s)]*|//[^\s<>"'\]]+|\b(?:[\w-]{1,63}\.){1,8}[a-z]{2,63}/[^\s<>"'\]]+""",
    re.IGNORECASE,
)
_FUNCTION_WORDS = words("function")
_DENIALS = words("denials")
_NEGATIONS = words("negations")
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


def supported(answer: str, sources: Sequence[Found], titles: dict[str, str]) -> Verified:
    """Returns the supported statements, each with its citation mark, numbered from 1 by first use. `sources`
    are those of the prompt, the first numbered 1; `titles` maps document ids to titles."""
    if _MARKS.sub("", answer).strip().strip(".").upper() in ("", NO_ANSWER):
        return Verified(False, "", ())
    read = [_sentences(found.passage) for found in sources]
    citations: dict[tuple[str, str], Citation] = {}
    text = ""
    for statement in _statements(answer):
        support = _best_support(statement, read)
        if support is None:
            continue
        number, sentence = support
        quote = sentence.passage.text[sentence.start : sentence.end]
        key = (sentence.passage.passage_id, quote)
        new = cite(sentence.passage, quote, len(citations) + 1, sources[number].score, titles)
        citation = citations.setdefault(key, new)
        bare = statement.text.rstrip(".!?…")
        separator = "\n" if statement.text.startswith(("- ", "* ")) else " "
        text += f"{separator}{bare} [{citation.index}]{statement.text[len(bare) :]}"
    return Verified(True, text.strip(), tuple(citations.values())) if text else Verified(False, "", ())


def _statements(answer: str) -> list[_Statement]:
    """Marks behind a full stop belong to the sentence before it."""
    text = _TRAILING_MARKS.sub(r"\2\1", answer)
    german = understand(text).german
    found = []
    for span in sentences_of(text):
        sentence = text[span.start : span.end]
        if span.kind is SentenceKind.HEADING:
            continue
        numbers = [int(number) for mark in _MARKS.findall(sentence) for number in mark.split(",")]
        bare = _MARKS.sub("", sentence).strip()
        if any(character.isalnum() for character in bare):
            found.append(_Statement(bare, tuple(dict.fromkeys(numbers)), german))
    return found


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
        read = [[one for one in source if all(address in one.passage.text for address in addresses)] for source in read]
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
