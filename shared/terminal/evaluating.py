"""Runs an evaluation against a server: asks or searches, a few questions at a time, and judges what comes back."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from time import perf_counter
from typing import Any

from msgspec import Struct, field

from shared.evaluation.answers import GivenAnswer, Quoted, answer_measures, judge_answer
from shared.evaluation.judging import (
    JudgePrompt,
    faithfulness_of,
    faithfulness_prompt,
    questions_of,
    relevance_of,
    relevance_prompt,
)
from shared.evaluation.rankings import DEPTH, ranking_measures, ranking_scores
from shared.evaluation.runs import Run, RunItem
from shared.evaluation.sets import GoldQuestion, QuestionSet, RetrievalSet
from shared.terminal.client import (
    ASK_SECONDS,
    ServerClient,
    ServerProblem,
    convert_to,
    event_json,
    json_body,
    refused,
    run_at_once,
    with_server,
)
from shared.terminal.connection import Connection
from shared.terminal.errors import Unreachable
from shared.terminal.output import note
from shared.terminal.retry import RequestRetrier

AT_ONCE = 4
MOST_PASSAGES = 50
_EVERY = 50


class JudgeOptions(Struct, frozen=True):
    """The model that judges, and the cost at which it stops."""

    model: str
    max_cost_usd: float | None


class _Passage(Struct):
    document_id: str = ""
    text: str = ""


class _Passages(Struct):
    passages: list[_Passage] = []


class _Citation(Struct):
    document_id: str = ""
    quote: str = ""
    score: Decimal = Decimal(0)


class _Usage(Struct):
    cost_usd: Decimal = Decimal(0)


class _Answer(Struct):
    answered: bool
    answer: str = ""
    citations: list[_Citation] = []
    usage: _Usage = field(default_factory=_Usage)


class _Message(Struct):
    content: str | None = None


class _Choice(Struct):
    message: _Message


class _Completion(Struct):
    choices: list[_Choice]
    usage: _Usage = field(default_factory=_Usage)


class _Embedding(Struct):
    embedding: list[Decimal]


class _Embeddings(Struct):
    data: list[_Embedding]


class _Evaluation:
    """Calls a server for each question, `AT_ONCE` at a time, and repeats what a limit or a failure refused."""

    def __init__(self, connection: Connection, ids: list[str] | None, mode: str) -> None:
        self._connection = connection
        self._narrowed = {"mode": mode, **({"document_ids": ids} if ids else {})}
        self._retrier = RequestRetrier(lambda text: note(f"note: {text}"))

    def _all(self, questions: Sequence[Any], work: Callable[[ServerClient, Any], Awaitable[RunItem]]) -> list[RunItem]:
        return with_server(self._connection, lambda server: self._side_by_side(server, questions, work))

    async def _side_by_side(
        self, server: ServerClient, questions: Sequence[Any], work: Callable[[ServerClient, Any], Awaitable[RunItem]]
    ) -> list[RunItem]:
        waiting, done = iter(enumerate(questions)), dict[int, RunItem]()

        async def worker() -> None:
            for place, question in waiting:
                done[place] = await work(server, question)
                if len(done) % _EVERY == 0:
                    note(f"{len(done)} of {len(questions)} questions")

        await run_at_once(AT_ONCE, worker)
        return [done[place] for place in range(len(questions))]

    async def _post(self, server: ServerClient, path: str, body: dict[str, Any]) -> Any:
        response = await self._retrier.call(lambda: server.send("POST", path, json=body, seconds=ASK_SECONDS))
        return json_body(self._connection, response)


class AnswerRun(_Evaluation):
    """Asks the questions of a set. `files` are the names of the set's files by document id."""

    def __init__(
        self,
        connection: Connection,
        questions: QuestionSet,
        files: Mapping[str, str],
        ids: list[str] | None,
        mode: str,
        judging: JudgeOptions | None,
    ) -> None:
        super().__init__(connection, ids, mode)
        self._set = questions
        self._files = files
        self._judging = judging
        self._judged_usd = Decimal(0)
        self._unjudged = 0

    def run(self) -> Run:
        items = self._all(self._set.questions, self._ask)
        if self._judging:
            note(f"the judge {self._judging.model} cost ${self._judged_usd:f}")
        if self._unjudged:
            note(f"note: {self._unjudged} answers were not judged: the cost limit was reached, or no reply was usable")
        measures = answer_measures(items)
        return Run("answers", self._set.name, _now(), measures, tuple(items))

    async def _ask(self, server: ServerClient, question: GoldQuestion) -> RunItem:
        begin = perf_counter()
        passages, answer = await self._retrier.call(lambda: self._streamed(server, question.question))
        seconds = perf_counter() - begin
        judged = await self._judged(server, question.question, answer, passages) if answer.answered else {}
        files = dict.fromkeys(self._files.get(one.document_id, "") for one in passages)
        given = GivenAnswer(
            answered=answer.answered,
            text=answer.answer,
            citations=tuple(
                Quoted(self._files.get(one.document_id, ""), one.quote, float(one.score)) for one in answer.citations
            ),
            found=tuple(files),
            seconds=round(seconds, 4),
            cost_usd=float(answer.usage.cost_usd),
            judged=judged,
        )
        return judge_answer(question, given)

    async def _streamed(self, server: ServerClient, question: str) -> tuple[list[_Passage], _Answer]:
        """Streams an answer: only the stream names the passages that it is made from."""
        body = {"question": question, "stream": True, **self._narrowed}
        passages: list[_Passage] = []
        async with server.stream("POST", "/ask", json=body) as events:
            async for event in events:
                if event.name == "retrieved":
                    passages = convert_to(self._connection, event_json(self._connection, event), _Passages).passages
                elif event.name == "done":
                    return passages, convert_to(self._connection, event_json(self._connection, event), _Answer)
                elif event.name == "error":
                    problem = convert_to(self._connection, event_json(self._connection, event), ServerProblem)
                    raise refused(self._connection, problem)
        raise Unreachable("the stream ended before the answer was complete")

    async def _judged(
        self, server: ServerClient, question: str, answer: _Answer, passages: Sequence[_Passage]
    ) -> dict[str, float]:
        """The measures that a model gives; without a usable reply that measure is missing."""
        if self._judging is None:
            return {}
        most = self._judging.max_cost_usd
        if most is not None and self._judged_usd >= Decimal(str(most)):
            self._unjudged += 1
            return {}
        texts = [passage.text for passage in passages]
        reply = await self._complete(server, faithfulness_prompt(question, answer.answer, texts))
        others = questions_of(await self._complete(server, relevance_prompt(answer.answer)))
        relevance = relevance_of(*await self._embedded(server, question, others)) if others else None
        found = {"faithfulness": faithfulness_of(reply), "relevance": relevance}
        self._unjudged += None in found.values()
        return {name: value for name, value in found.items() if value is not None}

    async def _complete(self, server: ServerClient, prompt: JudgePrompt) -> str:
        assert self._judging
        raw = await self._post(server, "/v1/chat/completions", prompt.body(self._judging.model))
        completion = convert_to(self._connection, raw, _Completion)
        self._judged_usd += completion.usage.cost_usd
        return (completion.choices[0].message.content or "") if completion.choices else ""

    async def _embedded(
        self, server: ServerClient, question: str, others: list[str]
    ) -> tuple[list[float], list[list[float]]]:
        raw = await self._post(server, "/v1/embeddings", {"model": "aegis", "input": [question, *others]})
        first, *rest = [
            [float(value) for value in one.embedding] for one in convert_to(self._connection, raw, _Embeddings).data
        ]
        return first, rest


class RetrievalRun(_Evaluation):
    """Searches for the queries of a set. `known` are the set's documents by the id that the server gave them: two with
    the same text are one document there."""

    def __init__(
        self,
        connection: Connection,
        queries: RetrievalSet,
        known: Mapping[str, list[str]],
        ids: list[str] | None,
        mode: str,
    ) -> None:
        super().__init__(connection, ids, mode)
        self._set = queries
        self._known = known

    def run(self) -> Run:
        items = self._all(list(self._set.queries), self._search)
        return Run("retrieval", self._set.name, _now(), ranking_measures(items), tuple(items))

    async def _search(self, server: ServerClient, query: str) -> RunItem:
        text = self._set.queries[query]
        begin = perf_counter()
        raw = await self._post(server, "/search", {"query": text, "limit": MOST_PASSAGES, **self._narrowed})
        seconds = perf_counter() - begin
        passages = convert_to(self._connection, raw, _Passages).passages
        ranked = list(dict.fromkeys(name for one in passages for name in self._known.get(one.document_id, [])))
        scores = {**ranking_scores(ranked, self._set.grades[query]), "seconds": round(seconds, 4)}
        return RunItem(id=query, question=text, scores=scores, found=tuple(ranked[:DEPTH]))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
