"""Answers with sentences quoted from the sources, without a language model, or refuses where they hold no answer."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from shared.answers.aggregates import answer_from_tables
from shared.answers.cell_statements import cell_statement
from shared.answers.columns import ColumnSense
from shared.answers.evidence import Evidence, TextWords, source_of
from shared.answers.faq import look_up_faq
from shared.answers.look_up import RowMatch, bare_rows, look_up
from shared.answers.question import Question, understand
from shared.answers.records import RecordRow, rows_of
from shared.answers.scoring import SentenceScores, score_sentences
from shared.answers.table_questions import Operation, read_table_question
from shared.answers.table_statements import table_statements
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


class Order(Struct, frozen=True):
    """The weight of each score when sentences are ranked."""

    cosine: float
    cosine_nameless: float
    met: float
    type_match: float
    named: float
    named_here: float
    met_in_context: float = 0.0
    worded: float = 0.0
    predicate: float = 0.0
    covered: float = 0.0
    counted: float = 0.0
    about: float = 0.0
    figures: float = 0.6

    def of(self, one: SentenceScores) -> float:
        return sum(float(getattr(self, kind)) * float(getattr(one, kind)) for kind in self.__struct_fields__)


class AnswerDecision(Struct, frozen=True):
    """The weight of each score when it is decided whether the best sentence answers; a logistic regression over
    company, product, building and nature texts, policies, minutes and reports, direct and paraphrased questions."""

    closest: float
    type_match: float
    lead: float
    named: float
    predicate: float
    opposed: float
    counted: float
    met: float
    weakest: float
    bias: float
    covered: float = 0.0
    about: float = 0.0


class Weights(Struct, frozen=True):
    order: Order
    decision: AnswerDecision


ENGLISH = Weights(
    Order(
        cosine=0.66, cosine_nameless=0.76, met=0.82, met_in_context=0.44, worded=0.31, predicate=0.44, type_match=0.53,
        counted=0.08, named=0.8, named_here=0.09,
    ),
    AnswerDecision(
        closest=4.17, lead=3.66, type_match=2.17, named=2.59, predicate=0.95, opposed=-3.17, counted=2.58, met=1.68,
        weakest=0.3, bias=-11.64,
    ),
)  # fmt: skip
GERMAN = Weights(
    Order(
        cosine=0.03, cosine_nameless=0.46, met=0.79, met_in_context=0.48, worded=0.31, predicate=0.44, covered=0.18,
        type_match=0.7, counted=0.08, named=0.76, named_here=0.04, about=0.76,
    ),
    AnswerDecision(
        closest=0.38, lead=2.69, type_match=1.94, named=1.19, predicate=0.9, opposed=-1.0, counted=2.43, met=1.4,
        weakest=0.0, covered=1.89, about=3.02, bias=-9.58,
    ),
)  # fmt: skip

_LONGEST_LEAD = 0.3
_SAME_NAMES = 0.05
_CLOSE = 0.4
_MOST = 3
_SURE = 0.7
"""The least confidence where no noun of a German question has a counterpart."""

_LOOKED_UP = 0.9
"""The confidence in a row that the question names, and whose column it asks for."""

_PASSAGES = 24
_COMPARING = frozenset([Operation.MOST, Operation.LEAST, Operation.AVERAGE])


class ExtractiveAnswerer:
    """Answers from sentences. `threshold` is the least confidence of an answer."""

    def __init__(
        self, model: MiniLM, threshold: float = 0.5, english: Weights = ENGLISH, german: Weights = GERMAN
    ) -> None:
        self._model = model
        self._threshold = threshold
        self._english = english
        self._german = german

    async def answer(
        self, question: str, found: Sequence[Found], lengths: Mapping[str, int] | None = None
    ) -> Extracted:
        """Answers from the first 24 of `found`, which come best first, in a thread, to keep the event loop free; from
        all of them where it asks about a whole table. `lengths` are the numbers of passages of their documents."""
        return await run_short(self._answer, question, found, lengths or {})

    def _answer(self, text: str, found: Sequence[Found], lengths: Mapping[str, int]) -> Extracted:
        question = understand(text)
        weights = self._german if question.german else self._english
        read = list(found) if read_table_question(question) else found[:_PASSAGES]
        rows = [row for rank, one in enumerate(read) for row in rows_of(one.passage, rank)]
        found = found[:_PASSAGES]
        if statements := self._from_rows(question, rows, [one.passage for one in read], lengths):
            return _looked_up(statements)
        if faq := look_up_faq(question, [one.passage for one in found]):
            return _looked_up([Statement(faq.passage, faq.quote, _LOOKED_UP)])
        rows = [row for row in rows if row.table.rank < _PASSAGES]
        bare: defaultdict[str, set[int]] = defaultdict(set)
        for one in bare_rows(rows):
            bare[one.table.passage.passage_id].update(range(one.start, one.end))
        evidence = Evidence(
            question, [source_of(one, rank, bare[one.passage.passage_id]) for rank, one in enumerate(found)]
        )
        ranked = sorted(score_sentences(self._model, evidence), key=weights.order.of, reverse=True)
        if not ranked:
            return Extracted(False, (), 0.0)
        confidence = self._confidence(weights, evidence, ranked)
        if confidence < (_SURE if ranked[0].unmet else self._threshold):
            return Extracted(False, (), confidence)
        return Extracted(True, _statements(weights.order, ranked, confidence), confidence)

    def _from_rows(
        self, question: Question, rows: Sequence[RecordRow], passages: Sequence[Passage], lengths: Mapping[str, int]
    ) -> list[Statement]:
        """The cell of a row, else what a whole table says; a superlative or a bound is looked up in no single row."""
        asked = read_table_question(question) if rows else None
        compares = asked and (asked.bounds or asked.operation in _COMPARING)
        sense = ColumnSense(self._model)
        near = [row for row in rows if row.table.rank < _PASSAGES]
        if not compares and (matches := look_up(question, near, sense)):
            return _cells(matches, question.german)
        if asked and (answer := answer_from_tables(asked, joined_tables(rows, passages, lengths), sense)):
            return [
                Statement(one.passage, one.quote, _LOOKED_UP, one.text, one.stop)
                for one in table_statements(answer, question.german)
            ]
        return []

    @staticmethod
    def _confidence(weights: Weights, evidence: Evidence, ranked: Sequence[SentenceScores]) -> float:
        best = ranked[0]
        second = weights.order.of(ranked[1]) if len(ranked) > 1 else -1.0
        named = [one.cosine_nameless for one in ranked if one.named >= evidence.best_named - _SAME_NAMES]
        decision = weights.decision
        total = (
            decision.bias
            + decision.closest * max(named, default=0.0)
            + decision.lead * min(_LONGEST_LEAD, weights.order.of(best) - second)
            + decision.type_match * best.type_match
            + decision.named * best.named
            + decision.predicate * best.predicate
            + decision.opposed * best.opposed
            + decision.counted * best.counted
            + decision.met * best.met
            + decision.covered * best.covered
            + decision.about * best.about
            + decision.weakest * best.weakest
        )
        return 1 / (1 + math.exp(-total))


def _looked_up(statements: Sequence[Statement]) -> Extracted:
    return Extracted(True, tuple(statements), _LOOKED_UP)


def _cells(matches: Sequence[RowMatch], german: bool) -> list[Statement]:
    """A statement a row; rows of one name are told apart by the first column in which they differ."""
    places = range(1, len(matches[0].row.cells))
    differs = (at for at in places if at != matches[0].asked and len({one.row.cells[at] for one in matches}) > 1)
    apart = next(differs, None) if len(matches) > 1 else None
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
