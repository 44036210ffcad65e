"""Answers a question with checked citations: retrieves passages and calls a language model, or the extractive answerer
where no model may or can answer."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from shared.answers.citations import AnswerText, CheckedText
from shared.answers.deadline import AnswerDeadline, DeadlinePassed, TimelyExtraction
from shared.answers.extractive import Extracted, ExtractiveAnswerer
from shared.answers.prompting import Prompt, PromptTurn, prompt
from shared.answers.records import has_rows
from shared.answers.support import OpenStatement, SupportCheck
from shared.answers.table_questions import asks_about_table, may_list
from shared.answers.verifying import ModelVerifier
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.routing.complexity import judge
from shared.proxy.routing.fallbacks import NoModel, PromptTooLong
from shared.proxy.task import LLMResult, LLMTask, Token
from shared.retrieval.retrieve import Mode
from shared.retrieval.sources import Library, RetrievedSource, Sources, paths_of
from shared.types.charges import charged_so_far, whole_bill
from shared.types.citation import Citation
from shared.types.document import Classification, higher
from shared.types.errors import BudgetExceeded
from shared.types.model import AnswerLocation, Quality
from shared.types.passage import Found
from shared.types.payer import Payer
from shared.types.provenance import Provenance
from shared.types.usage import Usage
from shared.usage.metering import Meter, QuestionMeter
from shared.usage.records import QuestionOutcome

READ = 24
"""Passages that the extractive answerer reads, however few are requested: a refusal needs a wide search."""

READ_OF_TABLES = 200
"""Passages that it reads for a question about a whole table."""

_PROMPT_TOKENS: dict[Quality, int] = {"fast": 1500, "standard": 3000, "high": 6000}
_ANSWER_TOKENS: dict[Quality, int] = {"fast": 300, "standard": 600, "high": 1200}
_LEAST_TOKENS = 300
_FOLLOWING_WORDS = 8
"""A question of a conversation with no more words than this is looked for together with the one before it."""

_MISSED = ("no_model", "fallback_context")
"""Reasons for which no model answered that are no failure of one."""


class AnswerExecution(Struct, frozen=True):
    """Which model answered, where, and why it was chosen."""

    location: AnswerLocation
    model: str
    strategy: str
    reason: str

    @classmethod
    def of(cls, result: LLMResult) -> "AnswerExecution":
        return msgspec.convert(result.execution, cls, from_attributes=True)


class QuestionTask(Struct, frozen=True, kw_only=True):
    """A question with its options. `classification` can only raise the class that its sources and turns give it.
    `degraded` names what was missing before anything was retrieved. `max_latency_ms` counts from `started_s`, on the
    monotonic clock. `style` is how the caller wants the answer to be written; our own rules stand above it."""

    question: str
    payer: Payer
    mode: Mode = "hybrid"
    limit: int = 8
    quality: Quality = "standard"
    max_latency_ms: int | None = None
    max_cost_microusd: int | None = None
    classification: Classification = "internal"
    document_ids: tuple[str, ...] | None = None
    style: str = ""
    turns: tuple[PromptTurn, ...] = ()
    degraded: tuple[str, ...] = ()
    on_remaining: Callable[[int | None], None] = lambda remaining: None
    started_s: float = field(default_factory=time.monotonic)


class AnswerResult(Struct, frozen=True):
    """`answered` is false, and `text` empty, where the sources do not say. `classification` is the highest of all that
    went into it, `provenance` what that was."""

    answered: bool
    text: str
    citations: tuple[Citation, ...]
    usage: Usage
    execution: AnswerExecution
    degraded: tuple[str, ...]
    classification: Classification
    provenance: Provenance


class Answering(Struct, frozen=True):
    """Answers the questions of one tenant. `verifier` judges what the rules leave open of a model's answer; without it
    that is left out."""

    library: Library
    extractive: ExtractiveAnswerer
    proxy: ExecutionProxy
    meter: Meter
    verifier: ModelVerifier | None = None

    async def sources(self, task: QuestionTask) -> Sources:
        """Retrieves the sources of a question, best first. Raises `StoreUnavailable`."""
        query = task.question
        if task.turns and len(query.split()) <= _FOLLOWING_WORDS:
            query = f"{task.turns[-1].question} {query}"
        read = READ_OF_TABLES if asks_about_table(task.question) else READ
        return await self.library.sources(query, task.mode, max(read, task.limit), task.document_ids)

    async def stream(
        self, task: QuestionTask, sources: Sources, *, live: bool = True
    ) -> AsyncGenerator[CheckedText | AnswerResult]:
        """Yields the answer statement by statement, each after its check, then the result, last and once: its text is
        all pieces joined. Where a model breaks off, the next one goes on behind what is already out; unless `live`, it
        begins anew. A prompt that is too long for the model is tried again with fewer passages."""
        question = await self._meter_question(task, sources.embedded_tokens)
        draft, deadline = _Draft(task, sources, live), AnswerDeadline(task.started_s, task.max_latency_ms)
        found = [source.found for source in sources.items]
        extraction = TimelyExtraction(lambda: self._extract(task.question, found), deadline)
        result = None if sources.items else draft.of_nothing()
        tokens, reason = _PROMPT_TOKENS[task.quality], ""
        try:
            while result is None:
                packed = prompt(
                    task.question, task.classification, sources.items[: task.limit], task.turns, tokens, task.style
                )
                try:
                    async with aclosing(self.proxy.stream(_llm_task(task, packed, sources))) as events:
                        while True:
                            event = await deadline.next(events)
                            for piece in draft.take(event, packed):
                                yield piece
                            if isinstance(event, LLMResult):
                                ended = event
                                break
                    for piece in await self._verified(task, draft, deadline):
                        yield piece
                    result = draft.of_model(ended)
                except PromptTooLong:
                    tokens //= 2
                    reason = "fallback_context" if tokens < _LEAST_TOKENS else ""
                except NoModel as missing:
                    reason = missing.reason
                except DeadlinePassed:
                    reason = "latency"
                if reason:
                    for piece in draft.extract(await extraction.result()):
                        yield piece
                    result = draft.of_extraction(reason)
        finally:
            extraction.close()
        used, execution = sources.items[: task.limit], result.execution
        scores = [(source.found.passage.passage_id, source.found.score) for source in used]
        await question.record(
            execution.reason,
            scores,
            paths_of(used),
            is_extractive=execution.location == "extractive",
            outcome=_outcome(task, result),
        )
        yield replace(result, usage=whole_bill(result.usage))

    async def _verified(self, task: QuestionTask, draft: "_Draft", deadline: AnswerDeadline) -> list[CheckedText]:
        """Asks a model about the statements that the rules leave open, once the answer is whole: a server with one
        place is free then."""
        if self.verifier is None or not draft.open:
            return []
        most = task.max_cost_microusd
        left = None if most is None else most - charged_so_far()
        asked = self.verifier.verify(draft.open, draft.classes, task.classification, task.payer, task.quality, left)
        try:
            supported, result = await asyncio.wait_for(asked, deadline.remaining_s)
        except TimeoutError:
            return []
        if result is not None:
            draft.verified.append(result.usage)
        return [added for one in supported if (added := draft.add(one))]

    async def _extract(self, question: str, found: Sequence[Found]) -> Extracted:
        lengths: dict[str, int] = {}
        if asks_about_table(question) or may_list(question):
            passages = [one.passage for one in found if has_rows(one.passage)]
            lengths = await self.library.lengths([one.document_id for one in passages]) if passages else {}
        return await self.extractive.answer(question, found, lengths)

    async def _meter_question(self, task: QuestionTask, tokens: int) -> QuestionMeter:
        """Raises `BudgetExceeded`."""
        most = task.max_cost_microusd
        if most is not None and self.meter.cost({"embedded_1k_tokens": tokens}) > most:
            raise BudgetExceeded("Reading the question costs more than its `max_cost_usd`.")
        return await self.meter.question(task.payer, tokens, task.on_remaining)

    async def answer(self, task: QuestionTask, sources: Sources) -> AnswerResult:
        async with aclosing(self.stream(task, sources, live=False)) as events:
            async for event in events:
                if isinstance(event, AnswerResult):
                    return event
        raise AssertionError("a stream ends with its result")


class _Draft:
    """An answer that is being made. `live`: its pieces are sent at once, so none of them can be taken back."""

    def __init__(self, task: QuestionTask, sources: Sources, live: bool) -> None:
        self._task = task
        self._sources = sources
        self._live = live
        self._titles = {source.found.passage.document_id: source.title for source in sources.items}
        self._answer = AnswerText(self._titles)
        self._check: SupportCheck | None = None
        self._read: dict[str, RetrievedSource] = {}
        self.verified: list[Usage] = []

    @property
    def open(self) -> list[OpenStatement]:
        return self._check.open if self._check else []

    @property
    def classes(self) -> dict[str, Classification]:
        """The class of each source by the id of its passage."""
        return {source.found.passage.passage_id: source.classification for source in self._sources.items}

    def add(self, statement: OpenStatement) -> CheckedText | None:
        return self._check.add(statement) if self._check else None

    def take(self, event: Token | LLMResult, packed: Prompt) -> Iterator[CheckedText]:
        """Yields what is complete and checked with this piece of a model's answer, or with its end."""
        begins = event.begins if isinstance(event, Token) else not event.text
        if self._check is None or begins:
            self._begin()
            sent = {passage.passage_id for passage in packed.passages}
            used = [source for source in self._sources.items if source.found.passage.passage_id in sent]
            self._read |= {source.found.passage.passage_id: source for source in used}
            self._check = SupportCheck([source.found for source in used], self._answer)
            if isinstance(event, LLMResult):
                yield from self._check.feed(event.text)
        yield from self._check.feed(event.text) if isinstance(event, Token) else self._check.finish()

    def extract(self, extracted: Extracted) -> Iterator[CheckedText]:
        """Yields the statements of the extractive answer."""
        self._begin()
        for statement in extracted.statements:
            text, stop = (statement.text, statement.stop) if statement.text else (statement.quote, "")
            if added := self._answer.add(text, statement.passage, statement.quote, statement.score, stop):
                yield added

    def _begin(self) -> None:
        if self._live:
            self._answer.go_on_elsewhere()
        else:
            self._answer, self._read = AnswerText(self._titles), {}

    def of_nothing(self) -> AnswerResult:
        """The answer where nothing was found: no model is called without sources."""
        return self._result(AnswerExecution("extractive", "extractive", "hybrid", "default"), Usage(), ())

    def of_model(self, result: LLMResult) -> AnswerResult:
        execution = AnswerExecution.of(result)
        usage = _sum([result.usage, *self.verified])
        return self._result(execution, usage, ("counters",) if execution.reason == "fallback_counters" else ())

    def of_extraction(self, reason: str) -> AnswerResult:
        cited = {citation.document_id for citation in self._answer.citations}
        quoted = [source for source in self._sources.items if source.found.passage.document_id in cited]
        self._read |= {source.found.passage.passage_id: source for source in quoted}
        missed = () if reason in _MISSED else ("counters",) if reason == "fallback_counters" else ("model",)
        return self._result(AnswerExecution("extractive", "extractive", "hybrid", reason), Usage(), missed)

    def _result(self, execution: AnswerExecution, usage: Usage, missed: tuple[str, ...]) -> AnswerResult:
        return AnswerResult(
            answered=bool(self._answer.citations),
            text=self._answer.text,
            citations=self._answer.citations,
            usage=replace(usage, embedded_tokens=self._sources.embedded_tokens),
            execution=execution,
            degraded=(*self._task.degraded, *self._sources.degraded, *missed),
            classification=_highest(self._task, self._read.values()),
            provenance=self._provenance(),
        )

    def _provenance(self) -> Provenance:
        read = (source.found.passage.document_id for source in self._read.values())
        quoted = (citation.document_id for citation in self._answer.citations)
        own = Provenance(self._task.classification, tuple(dict.fromkeys(read)), tuple(dict.fromkeys(quoted)))
        return own.over(turn.provenance for turn in self._task.turns)


def _outcome(task: QuestionTask, result: AnswerResult) -> QuestionOutcome:
    cited = tuple(citation.document_id for citation in result.citations)
    return QuestionOutcome(result.answered, round((time.monotonic() - task.started_s) * 1000), cited)


def _sum(usages: Sequence[Usage]) -> Usage:
    return Usage(
        prompt_tokens=sum(one.prompt_tokens for one in usages),
        completion_tokens=sum(one.completion_tokens for one in usages),
        cached_tokens=sum(one.cached_tokens for one in usages),
        cost_usd=sum(one.cost_usd for one in usages),
        estimated=any(one.estimated for one in usages),
    )


def _llm_task(task: QuestionTask, packed: Prompt, sources: Sources) -> LLMTask:
    scores = {source.found.passage.passage_id: source.found.score for source in sources.items}
    most = task.max_cost_microusd
    return LLMTask(
        kind="generation",
        payer=task.payer,
        messages=packed.messages,
        classification=task.classification,
        quality=task.quality,
        complexity=judge(task.question, len(task.document_ids or ())),
        max_latency_ms=task.max_latency_ms,
        max_output_tokens=_ANSWER_TOKENS[task.quality],
        max_cost_microusd=None if most is None else most - charged_so_far(),
        passages=tuple(
            (passage.passage_id, round(scores[passage.passage_id] * 1_000_000)) for passage in packed.passages
        ),
        on_remaining=task.on_remaining,
    )


def _highest(task: QuestionTask, used: Iterable[RetrievedSource]) -> Classification:
    found = task.classification
    for turn in task.turns:
        found = higher(found, turn.classification)
    for source in used:
        found = higher(found, source.classification)
    return found
