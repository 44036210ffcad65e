"""Answers with sentences quoted from the sources, without a language model, or refuses where they hold no answer."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from shared.answers.aggregates import answer_from_tables
from shared.answers.cell_statements import cell_statement, differing_column
from shared.answers.columns import ColumnSense
from shared.answers.definitions import asks_for_definition, asks_for_long_form, look_up_definition
from shared.answers.evidence import Evidence, TextWords, source_of
from shared.answers.faq import look_up_faq
from shared.answers.look_up import RowMatch, bare_rows, look_up, states_superlative
from shared.answers.question import Question, understand
from shared.answers.records import RecordRow, rows_of
from shared.answers.scoring import SentenceScores, score_sentences
from shared.answers.table_questions import TableOperation, TableQuestion, lists_all, read_table_question
from shared.answers.table_statements import table_statements
from shared.answers.weights import FittedWeights, Order, Weights, decision_scores, fitted_weights
from shared.answers.whole_tables import joined_tables
from shared.embedding.minilm import MiniLM
from shared.processes.cpu_threads import run_short
from shared.types.passage import Found, Passage


class Statement(Struct, frozen=True):
    """One sentence chosen as (part of) the answer. `quote` stands literally in the passage's text; `text` says the same
    shorter where the quote is of rows, and `stop` ends it behind the mark of its citation."""

    passage: Passage
    quote: str
    score: float
    text: str = ""
    stop: str = "."


class Extracted(Struct, frozen=True):
    """The answer: 1 to 3 `statements`, best first, none when not answered; `confidence` from 0 to 1."""

    answered: bool
    statements: tuple[Statement, ...]
    confidence: float


_CLOSE = 0.4
_MOST = 3
THRESHOLD = 0.5
_SURE = 0.7
"""The least confidence where no noun of a German question has a counterpart."""

_LOOKED_UP = 0.9
"""The confidence in a row that the question names, and whose column it asks for."""

_PASSAGES = 24
_COMPARING = frozenset([TableOperation.MOST, TableOperation.LEAST, TableOperation.AVERAGE])


class ScoredSentences(Struct, frozen=True, eq=False):
    """The likeliest sentences of a question's sources, with their scores."""

    evidence: Evidence
    scores: list[SentenceScores]


class ExtractiveAnswerer:
    """Answers from sentences. `threshold` is the least confidence of an answer."""

    def __init__(self, model: MiniLM, threshold: float = THRESHOLD, weights: FittedWeights | None = None) -> None:
        self._model = model
        self._sense = ColumnSense(model)
        self._threshold = threshold
        self._weights = weights or fitted_weights()

    async def answer(
        self, question: str, found: Sequence[Found], lengths: Mapping[str, int] | None = None
    ) -> Extracted:
        """Answers from the first 24 of `found`, which come best first, in a thread, to keep the event loop free; from
        all of them where it asks about a whole table. `lengths` are the numbers of passages of their documents."""
        return await run_short(self._answer, question, found, lengths or {})

    def _answer(self, text: str, found: Sequence[Found], lengths: Mapping[str, int]) -> Extracted:
        reading = self.read(text, found, lengths)
        if isinstance(reading, Extracted):
            return reading
        weights = self._weights.german if reading.evidence.question.german else self._weights.english
        return decide(weights, reading, self._threshold)

    def read(self, text: str, found: Sequence[Found], lengths: Mapping[str, int]) -> "Extracted | ScoredSentences":
        """Returns the answer where a row, a table or a question in a source gives it, else the scores of the likeliest
        sentences."""
        question = understand(text)
        asked = read_table_question(question)
        read = found if asked else found[:_PASSAGES]
        rows = [row for rank, one in enumerate(read) for row in rows_of(one.passage, rank)]
        passages = [one.passage for one in read]
        defines = asks_for_definition(question)
        if defines and (defined := look_up_definition(question, passages[:_PASSAGES])):
            return _looked_up([Statement(defined.passage, defined.quote, _LOOKED_UP)])
        if rows and (statements := self._from_rows(question, asked, rows, passages, lengths)):
            return _looked_up(statements)
        found, passages = found[:_PASSAGES], passages[:_PASSAGES]
        if quoted := look_up_faq(question, passages) or (None if defines else look_up_definition(question, passages)):
            return _looked_up([Statement(quoted.passage, quoted.quote, _LOOKED_UP)])
        if asks_for_long_form(question):
            return Extracted(False, (), 0.0)
        bare: defaultdict[str, set[int]] = defaultdict(set)
        for one in bare_rows([row for row in rows if row.table.rank < _PASSAGES]):
            bare[one.table.passage.passage_id].update(range(one.start, one.end))
        sources = [source_of(one, rank, bare[one.passage.passage_id]) for rank, one in enumerate(found)]
        evidence = Evidence(question, sources)
        return ScoredSentences(evidence, score_sentences(self._model, evidence))

    def _from_rows(
        self,
        question: Question,
        asked: TableQuestion | None,
        rows: Sequence[RecordRow],
        passages: Sequence[Passage],
        lengths: Mapping[str, int],
    ) -> list[Statement]:
        """The cell of a row, else what a whole table says; a superlative or a bound is looked up in no single row."""
        sense = self._sense
        matches = [] if asked and asked.bounds else look_up(question, rows, sense)
        if asked and asked.operation in _COMPARING:
            matches = [one for one in matches if states_superlative(one, question)]
        counts = asked and asked.operation is TableOperation.COUNT
        lists = asked and asked.operation is TableOperation.LIST and lists_all(question.text)
        if matches and not lists and not (counts and matches[0].asked == 0):
            return _cells(matches, question.german)
        if asked and (answer := answer_from_tables(asked, joined_tables(rows, passages, lengths), sense)):
            return [
                Statement(one.passage, one.quote, _LOOKED_UP, one.text, one.stop)
                for one in table_statements(answer, question.german)
            ]
        if matches and lists:
            return _cells(matches, question.german)
        return []


def decide(weights: Weights, reading: ScoredSentences, threshold: float = THRESHOLD) -> Extracted:
    """Ranks the sentences, and answers with the best where it is likely enough to answer."""
    ranked = weights.order.ranked(reading.scores)
    if not ranked:
        return Extracted(False, (), 0.0)
    confidence = weights.decision.confidence(decision_scores(weights.order, reading.evidence, ranked))
    if confidence < (_SURE if ranked[0].unmet else threshold):
        return Extracted(False, (), confidence)
    return Extracted(True, _statements(weights.order, ranked, confidence), confidence)


def _looked_up(statements: Sequence[Statement]) -> Extracted:
    return Extracted(True, tuple(statements), _LOOKED_UP)


def _cells(matches: Sequence[RowMatch], german: bool) -> list[Statement]:
    """A statement a row; rows of one name are told apart by the first column in which they differ."""
    apart = differing_column([one.row for one in matches], matches[0].asked)
    return [
        Statement(one.row.table.passage, one.row.quote, _LOOKED_UP, cell_statement(one, german, apart))
        for one in matches
    ]


def _statements(order: Order, ranked: Sequence[SentenceScores], confidence: float) -> tuple[Statement, ...]:
    """The best sentence, and others only when they are nearly as good and say something else."""
    best = order.of(ranked[0])
    chosen = [ranked[0]]
    statements = [Statement(ranked[0].candidate.passage, ranked[0].candidate.quote, confidence)]
    for one in ranked[1:]:
        close = math.exp(4 * (order.of(one) - best))
        if close < _CLOSE or len(chosen) == _MOST:
            break
        answers = one.type_match >= chosen[0].type_match and one.predicate >= 0.4 and one.named >= chosen[0].named
        answers = answers and one.figures >= chosen[0].figures
        if answers and all(_overlap(one.candidate.words, other.candidate.words) < 0.6 for other in chosen):
            chosen.append(one)
            statements.append(Statement(one.candidate.passage, one.candidate.quote, confidence * close))
    return tuple(statements)


def _overlap(one: TextWords, other: TextWords) -> float:
    """The Jaccard index of their words."""
    return len(one.known & other.known) / max(1, len(one.known | other.known))
