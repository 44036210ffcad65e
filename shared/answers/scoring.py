"""Scores the likeliest sentences: embeds them and measures how well each one answers the question."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.answers.conflicts import conflicts
from shared.answers.evidence import Candidate, Evidence, spelled_alike, weighted_mean
from shared.answers.lexicon import opposites
from shared.answers.question import Term
from shared.answers.type_match import QUANTITY
from shared.embedding.minilm import MiniLM, TokenEmbeddings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

READ = 12
"""Sentences that are embedded for one question."""

_OF_OTHERS = 3
"""How many of them may come from passages that lack the question's names."""

_ALL_NAMES = 0.95
"""From here on a passage is about what the question names, and other passages are about something else."""

_COUNTERPART = 0.6
"""From here on a word has a counterpart of the same meaning."""

_LAST_WITH_SPACES = "\u3000"
"""The model knows no word of the scripts behind it, so that all of them look alike."""

_SAME_NAMES = 0.15
_NOISE = 0.2
_SURE = 0.8
"""Cosine of two words in context: below the first they are unrelated, from the second on they are synonyms."""


class SentenceScores(Struct, frozen=True, eq=False):
    """A sentence with its scores, each from 0 to 1 (cosines from -1)."""

    candidate: Candidate
    cosine: float
    cosine_nameless: float
    """Likeness of question and sentence, with their names and without."""
    met: float
    """How much of the question's words it meets, by word or by meaning in context."""
    met_in_context: float
    worded: float
    predicate: float
    """How much it meets of the words that say what is asked about the topic, by word alone."""
    covered: float
    """How much of all the question's words, its names included, the sentence and its neighbours meet."""
    weakest: float
    """How well it meets that of these words which it meets least."""
    type_match: float
    """Whether it holds something of the kind asked for."""
    counted: float
    """Whether a number in it counts what "how many" asks for."""
    opposed: float
    """1 when it contains the antonym of a word of the question."""
    here: float
    """How much of all the question's words the sentence itself meets."""
    missed: float
    """How much of the question's words that have known synonyms is met by none of them."""
    of_another: float
    """1 when it begins with another name than the question's."""
    about: float
    """How much of all the question's words its passage meets."""
    named: float
    named_here: float
    figures: float
    """How many of the question's figures a heading holds; 1 for any other sentence."""
    unmet: bool
    """Whether no noun of a German or Japanese question has a counterpart, in the sentence or its passage."""


def score_sentences(model: MiniLM, evidence: Evidence) -> list[SentenceScores]:
    chosen = likeliest(evidence)
    if not chosen:
        return []
    subjects = [_subject(evidence, candidate) for candidate in chosen]
    texts = [subject + candidate.text for subject, candidate in zip(subjects, chosen, strict=True)]
    asked, *readings = model.read([evidence.question.text, *texts])
    question = _QuestionRead(evidence, asked)
    return [
        _Sentence(evidence, question, candidate, reading, len(subject)).weighed()
        for candidate, reading, subject in zip(chosen, readings, subjects, strict=True)
    ]


def likeliest(evidence: Evidence) -> list[Candidate]:
    """Chooses at most `READ` sentences by words, names, answer type and rank; of equal texts the likeliest."""
    worth = {
        one: evidence.worded(one) + 0.15 * evidence.type_match(one) + 0.5 / (1 + one.rank)
        for source in evidence.sources
        for one in source.candidates
        if not conflicts(evidence, one)
    }
    ordered = sorted(worth, key=lambda candidate: worth[candidate] + evidence.named(candidate), reverse=True)
    distinct = list({candidate.quote: candidate for candidate in reversed(ordered)}.values())[::-1]
    named = [one for one in distinct if evidence.named(one) >= evidence.best_named - _SAME_NAMES]
    others = [one for one in distinct if evidence.named(one) < evidence.best_named - _SAME_NAMES]
    room = 0 if evidence.best_named >= _ALL_NAMES and not evidence.question.german else _OF_OTHERS
    others = sorted(others, key=lambda candidate: worth[candidate], reverse=True)[:room]
    return [*named[: READ - len(others)], *others]


def _subject(evidence: Evidence, candidate: Candidate) -> str:
    """The question's names, for a sentence that has only "it" or "the company" in a passage about them."""
    names = evidence.question.names
    if not names or evidence.named_here(candidate.words) >= 0.3 or evidence.named(candidate) < 0.8:
        return ""
    return " ".join(name.word for name in names) + ": "


class _QuestionRead:
    """The embedded question: one vector a term, one for all of it and one without its names."""

    def __init__(self, evidence: Evidence, reading: TokenEmbeddings) -> None:
        names, terms = evidence.question.names, evidence.question.terms
        self.whole = reading.vector
        self.nameless = _mean_without(reading, [(name.start, name.end) for name in names])
        self.terms = _word_vectors(reading, [(term.start, term.end) for term in terms])


class _Sentence:
    """A sentence compared with the question."""

    def __init__(
        self, evidence: Evidence, question: _QuestionRead, candidate: Candidate, reading: TokenEmbeddings, subject: int
    ) -> None:
        self.evidence, self.question, self.candidate, self.reading, self.subject = (
            evidence,
            question,
            candidate,
            reading,
            subject,
        )
        self.names = frozenset(name.stem for name in evidence.question.names)
        self.spans = [(start + subject, end + subject) for start, end in candidate.words.spans]
        self.similar = question.terms @ _word_vectors(reading, self.spans).T
        """One row a term of the question, one column a word of the sentence."""

    def weighed(self) -> SentenceScores:
        evidence, candidate, terms = self.evidence, self.candidate, self.evidence.question.terms
        weights = [evidence.weight(term, candidate) for term in terms]
        known = candidate.words.known
        by_word = [evidence.likeness_in(term, candidate) for term in terms]
        by_context = self._in_context()
        by_any = [max(pair) for pair in zip(by_word, by_context, strict=True)]
        asked = [at for at, term in enumerate(terms) if not term.hint and not evidence.is_topic(term, candidate)]
        names = [span for span, root in zip(self.spans, candidate.words.stems, strict=True) if root in self.names]
        nameless = _mean_without(self.reading, [*names, (0, self.subject)])
        return SentenceScores(
            candidate=candidate,
            cosine=float(self.question.whole @ self.reading.vector),
            cosine_nameless=float(self.question.nameless @ nameless),
            met=weighted_mean(by_any, weights, 0.5),
            met_in_context=weighted_mean(by_context, weights, 0.5),
            worded=weighted_mean(by_word, weights, 0.5),
            predicate=weighted_mean([by_word[at] for at in asked], [weights[at] for at in asked], 0.5),
            covered=evidence.covered(candidate),
            weakest=min((by_any[at] for at in asked), default=1.0),
            type_match=evidence.type_match(candidate),
            counted=self._counted(),
            opposed=float(
                any(
                    term.stem not in known and not opposites().get(term.stem, frozenset()).isdisjoint(known)
                    for term in terms
                )
            ),
            here=evidence.here(candidate),
            missed=evidence.missed(candidate),
            of_another=float(evidence.is_of_another(candidate)),
            about=evidence.about(candidate),
            named=evidence.named(candidate),
            named_here=evidence.named_here(candidate.words),
            figures=evidence.figures_in_heading(candidate),
            unmet=self._lacks_nouns(by_any),
        )

    def _lacks_nouns(self, met: Sequence[float]) -> bool:
        """Other words with a counterpart are not enough: a bath that closes at nine says nothing of the sauna."""
        question, evidence = self.evidence.question, self.evidence
        spaceless = [term for term in question.terms if term.word[0] > _LAST_WITH_SPACES]
        if spaceless:
            return not any(evidence.in_passage(term, self.candidate) for term in spaceless)
        if not question.german:
            return False
        nouns = [term for term in (*question.names, *question.terms) if term.start and term.word[0].isupper()]
        similar = {term: like for term, like in zip(question.terms, met, strict=True) if like >= _COUNTERPART}
        own = [term for term in nouns if not term.hint]
        return bool(own) and not any(term in similar or evidence.in_passage(term, self.candidate) for term in own)

    def _in_context(self) -> list[float]:
        stems = self.candidate.words.stems
        own = [at for at, root in enumerate(stems) if root not in self.names]
        if not own:
            return [0.0] * len(self.similar)
        return [_clear(float(row[own].max())) for row in self.similar]

    def _counted(self) -> float:
        terms = self.evidence.question.terms
        asked = next((place for place, term in enumerate(terms) if term.counted and not term.hint), None)
        if asked is None:
            return 1.0
        term, words = terms[asked], self.candidate.words
        starts = [found.start() for found in QUANTITY.finditer(self.candidate.text)]
        spans = self.candidate.words.spans
        numbers = [at for at, (start, end) in enumerate(spans) if any(start <= number < end for number in starts)]
        after = {word for number in numbers for word in range(number, number + 4)} & set(range(len(self.spans)))
        before = {word for number in numbers for word in range(max(0, number - 3), number)}
        counted = max((self._counts_after(term, word) for word in after - set(numbers)), default=0.0)
        compound = any("-" in words.stems[number] for number in numbers)
        in_context = max(
            (_clear(float(self.similar[asked][word])) for word in after if compound or word not in numbers), default=0.0
        )
        counted_before = any(self._same_noun(term, word) or term.meanings & words.meanings[word] for word in before)
        return max(counted, in_context, 0.9 if counted_before else 0.0)

    def _counts_after(self, term: Term, at: int) -> float:
        words = self.candidate.words
        if self._same_noun(term, at):
            return 1.0
        if term.meanings & words.meanings[at] and term.stem != words.stems[at]:
            return 0.9
        return 0.8 if spelled_alike(term.stem, words.stems[at]) > 0 and term.stem != words.stems[at] else 0.0

    def _same_noun(self, term: Term, at: int) -> bool:
        """The same word but for a plural: "teachers" is not counted by "teaches"."""
        start, end = self.candidate.words.spans[at]
        return self.candidate.text[start:end].lower().rstrip("s") == term.word.lower().rstrip("s")


def _clear(cosine: float) -> float:
    return min(1.0, max(0.0, (cosine - _NOISE) / (_SURE - _NOISE)))


def _word_vectors(reading: TokenEmbeddings, spans: Sequence[tuple[int, int]]) -> "Floats":
    """One unit row a span: the mean of its word pieces; zero where the model did not read that far."""
    import numpy as np

    rows = np.zeros((len(spans), reading.tokens.shape[1]), dtype=np.float32)
    starts = np.array([start for start, _ in reading.spans], dtype=np.int64)
    ends = np.array([end for _, end in reading.spans], dtype=np.int64)
    for row, (start, end) in enumerate(spans):
        inside = (starts >= start) & (ends <= end)
        if inside.any():
            mean = reading.tokens[inside].mean(axis=0)
            rows[row] = mean / np.linalg.norm(mean)
    return rows


def _mean_without(reading: TokenEmbeddings, spans: Sequence[tuple[int, int]]) -> "Floats":
    """The text's unit vector from the word pieces outside these spans; the whole text's when none is left."""
    import numpy as np

    others = [
        at
        for at, (start, end) in enumerate(reading.spans)
        if not any(start < right and end > left for left, right in spans)
    ]
    if not others:
        return reading.vector
    mean = reading.tokens[others].mean(axis=0)
    unit: Floats = mean / np.linalg.norm(mean)
    return unit
