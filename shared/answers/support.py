"""Holds what a language model wrote against the sources that it names.

A statement stays where a sentence of a source carries it: its numbers and names stand there and most of its other
words, or words of the same meaning; it denies nothing that the sentence does not deny; and every address in it, of a
page, a picture or a person, stands in that source to the letter. What no source carries is left out.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from shared.answers.citations import Verified, cite
from shared.answers.evidence import WordVectors, spelled_alike, words_of
from shared.answers.lexicon import figures, words
from shared.answers.prompting import NO_ANSWER
from shared.answers.question import understand
from shared.answers.sentences import SentenceKind, sentences_of
from shared.answers.stems import WORD, stem
from shared.types.citation import Citation
from shared.types.passage import Found, Passage

CARRIED = 0.5
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
"""How many sentences beside the best one may help to carry a statement."""


class _Sentence(Struct, frozen=True):
    passage: Passage
    start: int
    end: int
    words: WordVectors
    around: WordVectors


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
        return _says_any(self.text, _DENIALS)


def supported(answer: str, sources: Sequence[Found], titles: dict[str, str]) -> Verified:
    """The statements that are carried, each with the mark of its citation, numbered from 1 by first use. `sources`
    are those of the prompt, the first numbered 1; `titles` maps document ids to titles."""
    if _says_nothing(answer):
        return Verified(False, "", ())
    read = [_sentences(found.passage) for found in sources]
    citations: dict[tuple[str, str], Citation] = {}
    kept = []
    for statement in _statements(answer):
        transport = _transport(statement, read)
        if transport is None:
            continue
        number, sentence = transport
        quote = sentence.passage.text[sentence.start : sentence.end]
        key = (sentence.passage.passage_id, quote)
        new = cite(sentence.passage, quote, len(citations) + 1, sources[number].score, titles)
        citation = citations.setdefault(key, new)
        kept.append(_marked(statement.text, citation.index))
    return Verified(True, _joined(kept), tuple(citations.values())) if kept else Verified(False, "", ())


def _joined(statements: Sequence[str]) -> str:
    """Items of a list stay on lines of their own."""
    lines = ["\n" + each if each.startswith(("- ", "* ")) else " " + each for each in statements]
    return "".join(lines).strip()


def _says_nothing(answer: str) -> bool:
    bare = _MARKS.sub("", answer).strip().strip(".").upper()
    return not bare or bare == NO_ANSWER


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
            around = WordVectors((), (), (), known, means)
            found.append(_Sentence(passage, span.start, span.end, read[at], around))
    return found


def _transport(statement: _Statement, read: Sequence[list[_Sentence]]) -> tuple[int, _Sentence] | None:
    """The sentence that carries it best, looked for in the sources it names first and then in the others."""
    if addresses := statement.addresses:
        read = [[one for one in source if _holds(one.passage, addresses)] for source in read]
    named = [number - 1 for number in statement.named if 1 <= number <= len(read)]
    others = [place for place in range(len(read)) if place not in named]
    for places in (named, others):
        scored = [(_share(statement, sentence), place, sentence) for place in places for sentence in read[place]]
        best = max(scored, key=lambda one: (one[0], -one[1]), default=None)
        if best and best[0] >= CARRIED:
            return best[1], best[2]
    return None


def _holds(passage: Passage, addresses: Sequence[str]) -> bool:
    return all(address in passage.text for address in addresses)


def _says_any(text: str, wanted: frozenset[str]) -> bool:
    return any(word.group().lower() in wanted for word in WORD.finditer(text.replace("’", "'")))


def _share(statement: _Statement, sentence: _Sentence) -> float:
    """How much of the statement's content the sentence holds, from 0 to 1; 0 where a number or a name is missing from
    it and its neighbours."""
    found = [word for word in WORD.finditer(statement.text) if word.group().lower() not in _FUNCTION_WORDS]
    if not found or (statement.denies and not _denies(sentence)):
        return 0.0
    said = words_of(statement.text)
    held = near = 0.0
    for word in found:
        root = stem(word.group())
        alike = _likeness(root, said, sentence.words)
        beside = _likeness(root, said, sentence.around)
        if figures().get(word.group().lower(), frozenset()) & sentence.around.known:
            alike = beside = 1.0
        if beside < 1 and _is_firm(word, statement):
            return 0.0
        held += alike
        near += max(alike, 0.7 * beside)
    return 0.7 * near / len(found) + 0.3 * held / len(found)


def _denies(sentence: _Sentence) -> bool:
    return _says_any(sentence.passage.text[sentence.start : sentence.end], _NEGATIONS)


def _likeness(root: str, said: WordVectors, there: WordVectors) -> float:
    if root in there.known:
        return 1.0
    at = said.stems.index(root) if root in said.stems else -1
    if at >= 0 and said.meanings[at] & there.means:
        return 0.9
    return max(
        (spelled_alike(root, other, compounds=True) for other in there.known if other[:3] == root[:3]), default=0
    )


def _is_firm(word: re.Match[str], statement: _Statement) -> bool:
    """Numbers, and names inside a sentence: another one is another fact."""
    said = word.group()
    if said.lower() in figures():
        return True
    if any(character.isdigit() or character.isupper() for character in said[1:]) or said[0].isdigit():
        return True
    begins = not statement.text[: word.start()].strip(" \"'“„(*-•")
    return said[0].isupper() and not begins and not statement.german


def _marked(text: str, index: int) -> str:
    """The mark stands before the full stop."""
    bare = text.rstrip(".!?…")
    return f"{bare} [{index}]{text[len(bare) :]}"
