"""What was found, read once for one question: its sentences and how their words meet the question's."""

import math
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from shared.answers.kinds import states
from shared.answers.question import Question, Term, meanings_of
from shared.answers.sentences import SentenceKind, sentences_of
from shared.answers.stems import WORD, stem
from shared.types.passage import Found, Passage

_PRIOR = 30
"""Passages without a word that are imagined beside those found: found ones hold the question's words too often."""

_SAME_MEANING = 0.9
_NEIGHBOUR = 0.5
_HINT = 0.35
_TOPIC = 0.4
_FIGURE = 2.0
"""What a number counts beside other names: another year is another fact."""

_NAMED_ELSEWHERE = 0.95
"""What a name counts that stands not in the passage but elsewhere in its document."""


class WordVectors(Struct, frozen=True):
    """A text's words: `stems`, `meanings` and `spans` run in step, `known` and `means` are their sets."""

    stems: tuple[str, ...]
    meanings: tuple[frozenset[int], ...]
    spans: tuple[tuple[int, int], ...]
    known: frozenset[str]
    means: frozenset[int]


def words_of(text: str) -> WordVectors:
    found = list(WORD.finditer(text))
    stems = tuple(stem(word.group()) for word in found)
    meanings = tuple(meanings_of(found))
    parts = {part for root in stems if "-" in root for part in root.split("-")}
    return WordVectors(
        stems, meanings, tuple(word.span() for word in found), frozenset(stems).union(parts), _union(meanings)
    )


def _union(sets: Sequence[frozenset[int]]) -> frozenset[int]:
    return frozenset[int]().union(*sets)


def together(parts: Sequence[WordVectors]) -> WordVectors:
    """The words of several texts, without their places."""
    known = frozenset[str]().union(*(part.known for part in parts))
    return WordVectors((), (), (), known, _union([part.means for part in parts]))


class Candidate(Struct, frozen=True, eq=False):
    """A sentence that may answer. `text` is what is read for it, the head of its table included; `around` are its
    words with those of its neighbours."""

    passage: Passage
    rank: int
    start: int
    end: int
    text: str
    words: WordVectors
    around: WordVectors

    @property
    def quote(self) -> str:
        return self.passage.text[self.start : self.end]


class EvidenceSource(Struct, frozen=True, eq=False):
    """A found passage: all its words with those of its title and headings, and its sentences."""

    passage: Passage
    words: WordVectors
    title: WordVectors
    candidates: tuple[Candidate, ...]


def source_of(found: Found, rank: int) -> EvidenceSource:
    passage = found.passage
    spans = list(sentences_of(passage.text))
    texts = [(span.lead + " " + passage.text[span.start : span.end]).strip() for span in spans]
    read = [words_of(text) for text in texts]
    title = words_of(passage.context)
    candidates = tuple(
        Candidate(passage, rank, span.start, span.end, text, read[at], together(read[max(0, at - 1) : at + 2]))
        for at, (span, text) in enumerate(zip(spans, texts, strict=True))
        if span.kind is not SentenceKind.HEADING
    )
    return EvidenceSource(passage, together([title, *read]), title, candidates)


class Case:
    """One question against all that was found for it."""

    def __init__(self, question: Question, sources: Sequence[EvidenceSource]) -> None:
        self.question = question
        self.sources = tuple(sources)
        self._sources = {source.passage.passage_id: source for source in self.sources}
        self._alike = {term.stem: self._spelled_alike(term) for term in (*question.names, *question.terms)}
        self._rarity = self._rarities()
        self._documents = self._known_by_document()
        self._names = question.names or self._titled()
        self._named = {source.passage.passage_id: self._named_in(source) for source in self.sources}
        self._topics = {source.passage.passage_id: self._topic(source) for source in self.sources}
        self.best_named = max(self._named.values(), default=0.0)

    def named(self, candidate: Candidate) -> float:
        """How much of the question's names its passage holds, its document helping out; 1 without names."""
        return self._named[candidate.passage.passage_id]

    def named_here(self, words: WordVectors) -> float:
        """How much of the question's names these words hold; 1 without names."""
        return self._names_in(words.known)

    def likeness(self, term: Term, words: WordVectors) -> float:
        """1 for the same word, less for one of the same meaning or nearly the same letters."""
        if term.stem in words.known:
            return 1.0
        if term.meanings & words.means:
            return _SAME_MEANING
        alike = self._alike[term.stem]
        return max((alike[root] for root in words.known & alike.keys()), default=0.0)

    def likeness_in(self, term: Term, candidate: Candidate) -> float:
        return max(self.likeness(term, candidate.words), _NEIGHBOUR * self.likeness(term, candidate.around))

    def weight(self, term: Term, candidate: Candidate) -> float:
        """Rare words weigh more; what the whole passage is about, and words that only hint at the answer, less."""
        topic = _TOPIC if self.is_topic(term, candidate) else 1.0
        return self._rarity[term.stem] * (_HINT if term.hint else 1.0) * topic

    def is_topic(self, term: Term, candidate: Candidate) -> bool:
        return term.stem in self._topics[candidate.passage.passage_id]

    def worded(self, candidate: Candidate) -> float:
        """How much of the question's words the sentence meets, by words alone."""
        terms = self.question.terms
        weights = [self.weight(term, candidate) for term in terms]
        met = [self.likeness_in(term, candidate) for term in terms]
        return weighted_mean(met, weights, default=0.0)

    def about(self, candidate: Candidate) -> float:
        """How much of all the question's words, names included, its passage and title meet: what a passage about
        another thing lacks. WordVectors that only hint at the answer do not count."""
        source = self._sources[candidate.passage.passage_id]
        terms = [term for term in (*self.question.names, *self.question.terms) if not term.hint]
        met = [self.likeness(term, source.words) for term in terms]
        return weighted_mean(met, [self._rarity[term.stem] for term in terms], default=0.5)

    def covered(self, candidate: Candidate) -> float:
        """How much of all the question's words, names included, the sentence and its neighbours meet."""
        terms = (*self.question.names, *self.question.terms)
        met = [self.likeness(term, candidate.around) for term in terms]
        return weighted_mean(met, [self._rarity[term.stem] for term in terms], default=0.5)

    def states(self, candidate: Candidate) -> float:
        return states(self.question.asked, candidate.quote, self.question.said)

    def _rarities(self) -> dict[str, float]:
        terms = (*self.question.names, *self.question.terms)
        total = len(self.sources) + _PRIOR
        count = Counter(root for root in {term.stem for term in terms} for s in self.sources if root in s.words.known)
        return {term.stem: math.log(1 + (total - count[term.stem] + 0.5) / (count[term.stem] + 0.5)) for term in terms}

    def _spelled_alike(self, term: Term) -> dict[str, float]:
        if term.word[0].isdigit():
            return {}
        known = frozenset[str]().union(*(source.words.known for source in self.sources))
        compounds = self.question.german
        likes = ((root, spelled_alike(term.stem, root, compounds)) for root in known)
        return {root: like for root, like in likes if like > 0}

    def _known_by_document(self) -> dict[str, frozenset[str]]:
        documents: dict[str, frozenset[str]] = {}
        for source in self.sources:
            document = source.passage.document_id
            documents[document] = documents.get(document, frozenset()) | source.words.known
        return documents

    def _named_in(self, source: EvidenceSource) -> float:
        elsewhere = self._names_in(self._documents[source.passage.document_id])
        return max(self._names_in(source.words.known), _NAMED_ELSEWHERE * elsewhere if elsewhere < 1 else elsewhere)

    def _names_in(self, known: frozenset[str]) -> float:
        held = [1.0 if name.stem in known else self._inflected(name, known) for name in self._names]
        return weighted_mean(held, [self._name_weight(name) for name in self._names], default=1.0)

    def _name_weight(self, name: Term) -> float:
        return self._rarity[name.stem] * (_FIGURE if name.word[0].isdigit() else 1.0)

    def _titled(self) -> tuple[Term, ...]:
        """What takes the place of names in a question without: its words that stand in the title of one document."""
        return tuple(term for term in self.question.terms if not term.hint and len(self._titles_with(term)) == 1)

    def _titles_with(self, term: Term) -> set[str]:
        return {source.passage.document_id for source in self.sources if term.stem in source.title.known}

    def _inflected(self, name: Term, known: frozenset[str]) -> float:
        """German inflects names and takes its nouns for names; in English another spelling is another name."""
        if not self.question.german:
            return 0.0
        alike = self._alike[name.stem]
        return max((alike[root] for root in known & alike.keys()), default=0.0)

    def _topic(self, source: EvidenceSource) -> frozenset[str]:
        """WordVectors of the question that the title holds, or two sentences."""
        roots = {term.stem for term in self.question.terms}
        often = {root for root in roots if sum(root in each.words.known for each in source.candidates) >= 2}
        return frozenset(often | (roots & source.title.known))


def weighted_mean(values: Sequence[float], weights: Sequence[float], default: float) -> float:
    total = sum(weights)
    if total <= 0:
        return default
    return sum(value * weight for value, weight in zip(values, weights, strict=True)) / total


def spelled_alike(one: str, other: str, compounds: bool = False) -> float:
    """0.9 for a long common beginning, 0.8 for a word inside a compound (as German makes them), else 0."""
    shorter, longer = sorted((one, other), key=len)
    if len(shorter) < 4 or other[0].isdigit():
        return 0.0
    if one[:3] == other[:3] and _common(one, other) >= max(4, 0.6 * len(longer)):
        return 0.9
    return 0.8 if compounds and len(shorter) >= 5 and shorter in longer else 0.0


def _common(one: str, other: str) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
