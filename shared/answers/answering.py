"""Answers a question with checked citations: retrieves passages and calls a language model, or the extractive answerer
where no model may or can answer."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from shared.answers.citations import Verified, compose, verify
from shared.answers.extractive import ExtractiveAnswerer
from shared.answers.prompting import Prompt, PromptTurn, prompt
from shared.answers.support import supported
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.routing.complexity import judge
from shared.proxy.routing.fallbacks import NoModel, PromptTooLong
from shared.proxy.task import LLMResult, LLMTask, Token
from shared.retrieval.retrieve import Mode
from shared.retrieval.sources import Library, RetrievedSource, Sources
from shared.types.citation import Citation
from shared.types.document import Classification, higher
from shared.types.model import AnswerLocation, Quality
from shared.types.payer import Payer
from shared.types.usage import Usage
from shared.usage.metering import Meter

READ = 24
"""Passages that the extractive answerer reads, however few are requested: a refusal needs a wide search."""

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
    """A question with its options. `classification` can only raise the class that its sources and turns give it."""

    question: str
    payer: Payer
    mode: Mode = "hybrid"
    limit: int = 8
    quality: Quality = "standard"
    max_latency_ms: int | None = None
    max_cost_microusd: int | None = None
    classification: Classification = "internal"
    document_ids: tuple[str, ...] | None = None
    turns: tuple[PromptTurn, ...] = ()
    on_remaining: Callable[[int | None], None] = lambda remaining: None


class AnswerResult(Struct, frozen=True):
    """`answered` is false, and `text` empty, where the sources do not say. `classification` is the highest of all that
    went into it."""

    answered: bool
    text: str
    citations: tuple[Citation, ...]
    usage: Usage
    execution: AnswerExecution
    degraded: tuple[str, ...]
    classification: Classification


class Answering(Struct, frozen=True):
    """Answers the questions of one tenant."""

    library: Library
    extractive: ExtractiveAnswerer
    proxy: ExecutionProxy
    meter: Meter

    async def sources(self, task: QuestionTask) -> Sources:
        """Retrieves the sources of a question, best first. Raises `StoreUnavailable`."""
        query = task.question
        if task.turns and len(query.split()) <= _FOLLOWING_WORDS:
            query = f"{task.turns[-1].question} {query}"
        return await self.library.sources(query, task.mode, max(READ, task.limit), task.document_ids)

    async def stream(self, task: QuestionTask, sources: Sources) -> AsyncGenerator[Token | AnswerResult]:
        """Yields a model's tokens as they come, then the checked answer, last and once. A prompt that is too long for
        the model is tried again with fewer passages."""
        result = None if sources.items else _no_sources(task, sources)
        tokens = _PROMPT_TOKENS[task.quality]
        while result is None:
            packed = prompt(task.question, task.classification, sources.items[: task.limit], task.turns, tokens)
            try:
                async with aclosing(self.proxy.stream(_llm_task(task, packed, sources))) as events:
                    async for event in events:
                        if isinstance(event, LLMResult):
                            result = _checked(task, packed, sources, event)
                        else:
                            yield event
                assert result is not None, "the proxy's stream ends with its result"
            except PromptTooLong:
                tokens //= 2
                if tokens < _LEAST_TOKENS:
                    result = await self._extracted(task, sources, "fallback_context")
            except NoModel as missing:
                result = await self._extracted(task, sources, missing.reason)
        found = [(source.found.passage.passage_id, source.found.score) for source in sources.items[: task.limit]]
        self.meter.record_question(
            task.payer,
            sources.embedded_tokens,
            result.execution.reason,
            found,
            is_extractive=result.execution.location == "extractive",
        )
        yield result

    async def answer(self, task: QuestionTask, sources: Sources) -> AnswerResult:
        async with aclosing(self.stream(task, sources)) as events:
            async for event in events:
                if isinstance(event, AnswerResult):
                    return event
        raise AssertionError("a stream ends with its result")

    async def _extracted(self, task: QuestionTask, sources: Sources, reason: str) -> AnswerResult:
        found = [source.found for source in sources.items]
        extracted = await self.extractive.answer(task.question, found)
        text, citations = compose(extracted, _titles(sources))
        checked = verify(text, citations, {one.passage.passage_id: one.passage for one in found})
        cited = {citation.document_id for citation in checked.citations}
        used = [source for source in sources.items if source.found.passage.document_id in cited]
        missed = () if reason in _MISSED else ("counters",) if reason == "fallback_counters" else ("model",)
        return AnswerResult(
            answered=checked.answered,
            text=checked.text,
            citations=checked.citations,
            usage=Usage(embedded_tokens=sources.embedded_tokens),
            execution=AnswerExecution("extractive", "extractive", "hybrid", reason),
            degraded=(*sources.degraded, *missed),
            classification=_highest(task, used),
        )


def _no_sources(task: QuestionTask, sources: Sources) -> AnswerResult:
    """The answer where nothing was found: no model is called without sources."""
    usage = Usage(embedded_tokens=sources.embedded_tokens)
    execution = AnswerExecution("extractive", "extractive", "hybrid", "default")
    return AnswerResult(False, "", (), usage, execution, sources.degraded, task.classification)


def _llm_task(task: QuestionTask, packed: Prompt, sources: Sources) -> LLMTask:
    scores = {source.found.passage.passage_id: source.found.score for source in sources.items}
    return LLMTask(
        kind="generation",
        payer=task.payer,
        messages=packed.messages,
        classification=task.classification,
        quality=task.quality,
        complexity=judge(task.question, len(task.document_ids or ())),
        max_latency_ms=task.max_latency_ms,
        max_output_tokens=_ANSWER_TOKENS[task.quality],
        max_cost_microusd=task.max_cost_microusd,
        passages=tuple(
            (passage.passage_id, round(scores[passage.passage_id] * 1_000_000)) for passage in packed.passages
        ),
        on_remaining=task.on_remaining,
    )


def _checked(task: QuestionTask, packed: Prompt, sources: Sources, result: LLMResult) -> AnswerResult:
    """Keeps the statements of the model's answer that its sources support."""
    sent = {passage.passage_id for passage in packed.passages}
    used = [source for source in sources.items if source.found.passage.passage_id in sent]
    checked: Verified = supported(result.text, [source.found for source in used], _titles(sources))
    return AnswerResult(
        answered=checked.answered,
        text=checked.text,
        citations=checked.citations,
        usage=replace(result.usage, embedded_tokens=sources.embedded_tokens),
        execution=AnswerExecution.of(result),
        degraded=(*sources.degraded, *(("counters",) if result.execution.reason == "fallback_counters" else ())),
        classification=_highest(task, used),
    )


def split_words(text: str) -> list[str]:
    """Splits a text into words, each with the space after it: joined they are the text."""
    words = text.split(" ")
    return [word + " " for word in words[:-1]] + [words[-1]] if text else []


def _highest(task: QuestionTask, used: list[RetrievedSource]) -> Classification:
    found = task.classification
    for turn in task.turns:
        found = higher(found, turn.classification)
    for source in used:
        found = higher(found, source.classification)
    return found


def _titles(sources: Sources) -> dict[str, str]:
    return {source.found.passage.document_id: source.title for source in sources.items}
