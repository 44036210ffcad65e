"""Reads evaluation sets: documents with questions and their right answers, and retrieval sets in BEIR's form."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

S = TypeVar("S", bound=Struct)


class SetError(ValueError):
    """A set that cannot be read; the message names the file and the line."""


class GoldQuestion(Struct, frozen=True, forbid_unknown_fields=True, rename={"question_id": "id"}):
    """One line of `questions.jsonl`. An answer is right when it holds one of `gold`, the ways to write the right
    answer; without any the documents do not answer the question, and a refusal is right. `document` is the file that
    answers it, or that only seems to, `quote` the sentence or row in which the answer stands, `tags` the groups that
    are reported apart."""

    question_id: str
    question: str
    gold: tuple[str, ...] = ()
    document: str = ""
    quote: str = ""
    tags: dict[str, str] = {}

    @property
    def is_answerable(self) -> bool:
        return bool(self.gold)


class QuestionSet(Struct, frozen=True):
    """The files of `documents/` and the questions about them, in order."""

    name: str
    documents: tuple[Path, ...]
    questions: tuple[GoldQuestion, ...]


class CorpusDocument(Struct, frozen=True, rename={"document_id": "_id"}):
    """One line of `corpus.jsonl`."""

    document_id: str
    text: str
    title: str = ""


class _Query(Struct, frozen=True, rename={"query_id": "_id"}):
    query_id: str
    text: str


class RetrievalSet(Struct, frozen=True):
    """A set in BEIR's form. `grades` are by query and document: how relevant the document is, from 1."""

    name: str
    corpus: tuple[CorpusDocument, ...]
    queries: dict[str, str]
    grades: dict[str, dict[str, int]]


def read_questions(folder: Path) -> QuestionSet:
    """Raises `SetError`."""
    documents = tuple(sorted(path for path in (folder / "documents").rglob("*") if _is_document(path)))
    questions = tuple(_lines(folder / "questions.jsonl", GoldQuestion))
    if not questions:
        raise SetError(f"{folder / 'questions.jsonl'} holds no question")
    names = {path.name for path in documents}
    seen: set[str] = set()
    for question in questions:
        fault = ""
        if question.question_id in seen:
            fault = "its id stands twice"
        elif not question.question.strip():
            fault = "it is empty"
        elif question.document and question.document not in names:
            fault = f"there is no file documents/{question.document}"
        elif any(not gold.strip() for gold in question.gold):
            fault = "an empty text is no right answer"
        if fault:
            raise SetError(f"{folder / 'questions.jsonl'}: question {question.question_id}: {fault}")
        seen.add(question.question_id)
    return QuestionSet(folder.resolve().name, documents, questions)


def read_retrieval(folder: Path, split: str) -> RetrievalSet:
    """Raises `SetError`. Only queries that the split grades are read."""
    grades = _grades(folder / "qrels" / f"{split}.tsv")
    corpus = tuple(_lines(folder / "corpus.jsonl", CorpusDocument))
    queries = {one.query_id: one.text for one in _lines(folder / "queries.jsonl", _Query) if one.query_id in grades}
    if not corpus or not queries:
        raise SetError(f"{folder} holds no document or no query of the split {split}")
    return RetrievalSet(folder.resolve().name, corpus, queries, {query: grades[query] for query in queries})


def sampled(whole: RetrievalSet, count: int) -> RetrievalSet:
    """The first queries, with the documents relevant to them and five times as many others."""
    chosen = list(whole.queries)[:count]
    relevant = {document for query in chosen for document in whole.grades[query]}
    others = [one.document_id for one in whole.corpus if one.document_id not in relevant][: 5 * count]
    wanted = relevant.union(others)
    return RetrievalSet(
        whole.name,
        tuple(one for one in whole.corpus if one.document_id in wanted),
        {query: whole.queries[query] for query in chosen},
        {query: whole.grades[query] for query in chosen},
    )


def _is_document(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _lines(path: Path, kind: type[S]) -> Iterator[S]:
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line.strip():
            try:
                yield decoder.decode(line)
            except msgspec.MsgspecError as error:
                raise SetError(f"{path}, line {number}: {error}") from error


def _grades(path: Path) -> dict[str, dict[str, int]]:
    """Tab-separated query, document and grade, after a line of headings; a grade below 1 is not relevant."""
    grades: dict[str, dict[str, int]] = {}
    for number, row in enumerate(csv.reader(_text(path).splitlines(), delimiter="\t"), 1):
        if number == 1 or not row:
            continue
        try:
            query, document, grade = row[0], row[1], int(row[2])
        except (IndexError, ValueError) as error:
            raise SetError(f"{path}, line {number}: not a query, a document and a whole number") from error
        if grade > 0:
            grades.setdefault(query, {})[document] = grade
    return grades


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SetError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SetError(f"{path} is not UTF-8") from error
