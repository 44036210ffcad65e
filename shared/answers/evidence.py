"""Evidence for one question: the sentences of its sources and how well their words match the question's."""

import math
import re
from collections.abc import Container, Sequence

from msgspec import Struct

from shared.answers.definitions import defined_term
from shared.answers.faq import is_question
from shared.answers.question import Question, Term, meanings_of
from shared.answers.question_terms import german_compounds, modified_nouns, numbered, required_terms
from shared.answers.sentences import SentenceKind, SentenceSpan, sentences_of
from shared.answers.stems import WORD, folded, stem
from shared.answers.type_match import QUANTITY, type_match
from shared.language.identifiers import identifiers
from shared.types.passage import Found, Passage

_PRIOR = 30
"""Assumed passages without the word, added to those found: found ones hold the question's words too often."""

_SAME_MEANING = 0.9
_NEIGHBOUR = 0.5
_HINT = 0.35
_TOPIC = 0.4
_FIGURE = 2.0
"""The weight of a number beside other names: another year is another fact."""

_NAMED_ELSEWHERE = 0.95
"""The weight of a name that occurs not in the passage but elsewhere in its document."""


_SUBJECT = re.compile(
    r"(?:[-*•] )?(?:The |A |Der |Die |Das )?[A-ZÄÖÜ][\w'’.-]*(?: (?:(?:of|and|&|von|und) )?[A-ZÄÖÜ][\w'’-]+)+"
)
_SENTENCE_CELL = re.compile(r"\w\w[.!]\s*\|\Z")


class TextWords(Struct, frozen=True):
    """A text's words: `stems`, `meanings` and `spans` are parallel; `known` and `means` are their sets."""

    stems: tuple[str, ...]
    meanings: tuple[frozenset[int], ...]
    spans: tuple[tuple[int, int], ...]
    known: frozenset[str]
    means: frozenset[int]


def words_of(text: str) -> TextWords:
    found = list(WORD.finditer(text))
    stems = tuple(stem(word.group()) for word in found)
    meanings = tuple(meanings_of(found))
    parts = {part for root in stems if "-" in root for part in root.split("-")}
    for words in identifiers(text):
        parts |= {stem("".join(words)), *map(stem, words)}
    spans = tuple(word.span() for word in found)
    return TextWords(stems, meanings, spans, frozenset(stems).union(parts), frozenset[int]().union(*meanings))


def union(parts: Sequence[TextWords]) -> TextWords:
    """The words of several texts, without their spans."""
    known = frozenset[str]().union(*(part.known for part in parts))
    return TextWords((), (), (), known, frozenset[int]().union(*(part.means for part in parts)))


class Candidate(Struct, frozen=True, eq=False):
    """A sentence that may answer. `text` is what is read for it, the head of its table included; `around` are its
    words with those of its neighbours."""

    passage: Passage
    rank: int
    start: int
    end: int
    text: str
    words: TextWords
    around: TextWords

    @property
    def quote(self) -> str:
        return self.passage.text[self.start : self.end]


class EvidenceSource(Struct, frozen=True, eq=False):
    """A found passage: all its words with those of its title and headings, and its sentences."""

    passage: Passage
    words: TextWords
    title: TextWords
    candidates: tuple[Candidate, ...]


def source_of(found: Found, rank: int, left_out: Container[int] = ()) -> EvidenceSource:
    """`left_out` are the places in the passage where no candidate begins: rows that are looked up as a whole."""
    passage = found.passage
    spans = list(sentences_of(passage.text))
    texts = [folded((span.lead + " " + passage.text[span.start : span.end]).strip()) for span in spans]
    read = [words_of(text) for text in texts]
    title = words_of(folded(passage.context))
    candidates = tuple(
        Candidate(passage, rank, span.start, span.end, text, read[at], union(read[max(0, at - 1) : at + 2]))
        for at, (span, text) in enumerate(zip(spans, texts, strict=True))
        if _may_answer(span, passage.text) and span.start not in left_out
    )
    return EvidenceSource(passage, union([title, *read]), title, candidates)


def _may_answer(span: SentenceSpan, text: str) -> bool:
    """A question answers nothing; a heading only where it holds a figure, the head of a table only as a sentence."""
    quote = text[span.start : span.end]
    if is_question(quote):
        return False
    if span.kind is not SentenceKind.HEADING:
        return True
    return _SENTENCE_CELL.search(quote) is not None if quote.startswith("|") else QUANTITY.search(quote) is not None


class Evidence:
    """How well the sources of one question match it: its names, its words and its topic."""

    def __init__(self, question: Question, sources: Sequence[EvidenceSource]) -> None:
        self.question = question
        self.sources = tuple(sources)
        self._sources = {source.passage.passage_id: source for source in self.sources}
        self._all_terms = (*question.names, *question.terms)
        self._alike = {term.stem: self._spelled_alike(term) for term in self._all_terms}
        self._rarity = {term.stem: self._rarity_of(term) for term in self._all_terms}
        self._documents = self._known_by_document()
        self.numbered = numbered(question)
        self.required = required_terms(question)
        self.defines = bool(defined_term(question))
        self.modified = tuple(modified_nouns(question))
        self.compounds = german_compounds(question)
        self._names = question.names or self._title_terms()
        self._named = {source.passage.passage_id: self._named_in(source) for source in self.sources}
        self._topics = {source.passage.passage_id: self._topic(source) for source in self.sources}
        self.best_named = max(self._named.values(), default=0.0)

    def named(self, candidate: Candidate) -> float:
        """How much of the question's names its passage holds, or at a discount its document; 1 without names."""
        return self._named[candidate.passage.passage_id]

    def named_here(self, words: TextWords) -> float:
        """How much of the question's names these words hold; 1 without names."""
        return self._names_in(words.known)

    def likeness(self, term: Term, words: TextWords) -> float:
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

    def figures_in_heading(self, candidate: Candidate) -> float:
        """How many of the question's figures a heading holds; 1 for any other sentence, which may continue one."""
        figures = [name.stem for name in self.question.names if name.word[0].isdigit()]
        if not figures or not candidate.quote.startswith("#"):
            return 1.0
        return sum(figure in candidate.words.known for figure in figures) / len(figures)

    def title(self, candidate: Candidate) -> TextWords:
        return self._sources[candidate.passage.passage_id].title

    def in_passage(self, term: Term, candidate: Candidate) -> bool:
        """Whether its passage or title has the word, or one like it."""
        return self.likeness(term, self._sources[candidate.passage.passage_id].words) > 0

    def is_near(self, term: Term, candidate: Candidate) -> bool:
        """Whether the sentence, its neighbours or the title have the word or one like it."""
        return self.likeness(term, candidate.around) > 0 or self.likeness(term, self.title(candidate)) > 0

    def here(self, candidate: Candidate) -> float:
        """How much of the question's words, names included, the sentence itself meets, what all is about no less."""
        return self._met([term for term in self._all_terms if not term.hint], candidate.words)

    def missed(self, candidate: Candidate) -> float:
        """How much of the question's words that have known synonyms neither the sentence nor its neighbours meet."""
        terms = [term for term in self.question.terms if term.meanings and not term.hint]
        missed = [1.0 - self.likeness(term, candidate.around) for term in terms]
        return weighted_mean(missed, [self._rarity[term.stem] for term in terms], default=0.0)

    def is_of_another(self, candidate: Candidate) -> bool:
        """Whether it begins with the name of somebody or something else, and has none of the question's names."""
        if not self.question.names or self.named_here(candidate.words) > 0:
            return False
        subject = _SUBJECT.match(candidate.quote)
        return subject is not None and self.question.words.isdisjoint(subject[0].lower().split())

    def about(self, candidate: Candidate) -> float:
        """How much of all the question's words, names included, its passage and title meet: what a passage about
        another thing lacks. Words that only hint at the answer do not count."""
        source = self._sources[candidate.passage.passage_id]
        return self._met([term for term in self._all_terms if not term.hint], source.words)

    def covered(self, candidate: Candidate) -> float:
        """How much of all the question's words, names included, the sentence and its neighbours meet."""
        return self._met(self._all_terms, candidate.around)

    def _met(self, terms: Sequence[Term], words: TextWords) -> float:
        """How much of these terms a text meets, rare ones counting more."""
        met = [self.likeness(term, words) for term in terms]
        return weighted_mean(met, [self._rarity[term.stem] for term in terms], default=0.5)

    def type_match(self, candidate: Candidate) -> float:
        return type_match(self.question.answer_type, candidate.quote, self.question.words, self.question.german)

    def _rarity_of(self, term: Term) -> float:
        """The inverse document frequency, as BM25 counts it, among the sources and `_PRIOR` others."""
        count = sum(term.stem in source.words.known for source in self.sources)
        return math.log(1 + (len(self.sources) + _PRIOR - count + 0.5) / (count + 0.5))

    def _spelled_alike(self, term: Term) -> dict[str, float]:
        if term.word[0].isdigit() or any(identifiers(term.word)):
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
        matches = [self._has_name(name, known) for name in self._names]
        weights = [self._rarity[name.stem] * (_FIGURE if name.word[0].isdigit() else 1.0) for name in self._names]
        return weighted_mean(matches, weights, default=1.0)

    def _has_name(self, name: Term, known: frozenset[str]) -> float:
        """A number right behind a word is no name without that word: 40 of "Stella 40"."""
        words = [word for word, number in self.numbered.items() if number == name.stem]
        if words and not any(word in known for word in words):
            return 0.0
        return 1.0 if name.stem in known else self._inflected(name, known)

    def _title_terms(self) -> tuple[Term, ...]:
        """Replaces the names in a question without any: its words that stand in the title of exactly one document."""
        titles: dict[str, set[str]] = {term.stem: set() for term in self.question.terms if not term.hint}
        for source in self.sources:
            for stem_in_title in titles.keys() & source.title.known:
                titles[stem_in_title].add(source.passage.document_id)
        return tuple(term for term in self.question.terms if len(titles.get(term.stem, ())) == 1)

    def _inflected(self, name: Term, known: frozenset[str]) -> float:
        """German inflects names, and its nouns count as names; in English another spelling is another name."""
        if not self.question.german:
            return 0.0
        alike = self._alike[name.stem]
        return max((alike[root] for root in known & alike.keys()), default=0.0)

    def _topic(self, source: EvidenceSource) -> frozenset[str]:
        """The question's words that occur in the title or in two sentences."""
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
    beginning = max(4, math.ceil(0.6 * len(longer)))
    if one[:beginning] == other[:beginning]:
        return 0.9
    return 0.8 if compounds and len(shorter) >= 5 and shorter in longer else 0.0
