"""The questions of the set with the sentences that the answerer would choose from, and their scores.

Documents are parsed, cut, indexed and searched as the suite does it. Each question is asked twice: of all documents,
and of the one that it is about alone, since a tenant may have one document or many.
"""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from functions.chunk.splitter import split
from functions.chunk.tokens import TokenCounter
from shared.answers.answering import READ
from shared.answers.extractive import Extracted, ExtractiveAnswerer, ScoredSentences
from shared.answers.scoring import SentenceScores
from shared.embedding.minilm import MiniLM
from shared.embedding.sparse import SparseEncoder
from shared.evaluation.answers import holds, overlap
from shared.evaluation.sets import GoldQuestion, QuestionSet, read_questions
from shared.language.detect import detect
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool
from shared.retrieval.retrieve import retrieve
from shared.retrieval.texts import embedded_text, indexed_words
from shared.types.passage import Found, Passage
from shared.vectors.edge import EdgeIndex
from shared.vectors.port import Point, Vectors
from tests.documents.routed import parsed

SET = Path(__file__).with_name("set")
Scope = Literal["all", "alone"]
SCOPES: tuple[Scope, ...] = ("all", "alone")

_SAME_SENTENCE = 0.35
_LONG = 8
"""An answer of so many characters stands nowhere by chance."""


class Sample(Struct, frozen=True, eq=False):
    """A question asked of some documents: the sentences to choose from, or the answer of a row or a question in a
    source, which no weights decide. `right` says of each sentence whether it is a right answer."""

    question: GoldQuestion
    scope: Scope
    german: bool
    looked_up: Extracted | None
    reading: ScoredSentences | None
    right: tuple[bool, ...] = ()


async def read_samples(questions: QuestionSet) -> list[Sample]:
    model, encoder = MiniLM(threads=1), SparseEncoder()
    answerer = ExtractiveAnswerer(model)
    passages = await _passages(questions)
    lengths = Counter(passage.document_id for passage in passages)
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder:
        index = EdgeIndex(Path(folder), model.dimensions, model.name)
        try:
            vectors = index.of("fitting")
            await vectors.add(await _points(passages, model, encoder))
            for question in questions.questions:
                for scope in SCOPES:
                    found = await _found(question, scope, model, encoder, vectors)
                    samples.append(sample_of(answerer, question, scope, found, lengths))
        finally:
            await index.close()
    return samples


def read_set() -> QuestionSet:
    return read_questions(SET)


def sample_of(
    answerer: ExtractiveAnswerer,
    question: GoldQuestion,
    scope: Scope,
    found: Sequence[Found],
    lengths: Mapping[str, int],
) -> Sample:
    read = answerer.read(question.question, found, lengths)
    if isinstance(read, Extracted):
        return Sample(question, scope, question.tags.get("language") == "de", read, None)
    right = tuple(is_right(question, one) for one in read.scores)
    return Sample(question, scope, read.evidence.question.german, None, read, right)


def is_right(question: GoldQuestion, one: SentenceScores) -> bool:
    return quote_is_right(question, one.candidate.passage, one.candidate.quote)


def quote_is_right(question: GoldQuestion, passage: Passage, quote: str) -> bool:
    """A short answer, such as a number, may stand in other sentences too: then it has to be the right one."""
    if passage.document_id != question.document:
        return False
    golds = [gold for gold in question.gold if holds(quote, gold)]
    return any(len(gold) >= _LONG for gold in golds) or (
        bool(golds) and overlap(quote, question.quote) >= _SAME_SENTENCE
    )


async def _passages(questions: QuestionSet) -> list[Passage]:
    pool, count, passages = ParserPool(ParsingLimits()), TokenCounter(), list[Passage]()
    try:
        for path in questions.documents:
            document = await parsed(pool, path.name, path.read_bytes())
            drafts = split(document, title=document.title or path.name, count_tokens=count, detect_language=detect)
            passages += [
                Passage(f"{path.name}-{at}", path.name, 1, at, one.text, one.context, one.language, one.tokens)
                for at, one in enumerate(drafts)
            ]
    finally:
        await pool.close()
    return passages


async def _points(passages: Sequence[Passage], model: MiniLM, encoder: SparseEncoder) -> list[Point]:
    made = await model.embed([embedded_text(passage) for passage in passages])
    return [
        Point(passage, dense, encoder.passage(indexed_words(passage), passage.language))
        for passage, dense in zip(passages, made.vectors, strict=True)
    ]


async def _found(
    question: GoldQuestion, scope: Scope, model: MiniLM, encoder: SparseEncoder, vectors: Vectors
) -> tuple[Found, ...]:
    documents = (question.document,) if scope == "alone" else None
    return (await retrieve(question.question, "hybrid", READ, documents, model, encoder, vectors)).found
