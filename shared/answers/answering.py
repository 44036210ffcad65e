"""From a question to its checked answer: passages, a language model where one may and can answer, the extractive
answerer where none does."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Literal

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
from shared.types.model import Quality
from shared.types.payer import Payer
from shared.types.usage import Usage
from shared.usage.metering import Meter

READ = 24
"""Passages that the extractive answerer reads, however few are wished for: a refusal needs to have looked around."""

_PROMPT_TOKENS: dict[Quality, int] = {"fast": 1500, "standard": 3000, "high": 6000}
_ANSWER_TOKENS: dict[Quality, int] = {"fast": 300, "standard": 600, "high": 1200}
_LEAST_TOKENS = 300
_FOLLOWING_WORDS = 8
"""A question of a conversation with no more words than this is looked for together with the one before it."""

_MISSED = ("no_model", "fallback_context")
"""Reasons for which no model answered that are no failure of one."""


class AnswerExecution(Struct, frozen=True):
    """Who answered, and why it was them."""

    location: Literal["local", "cloud", "extractive"]
    model: str
    strategy: str
    reason: str

    @classmethod
    def of(cls, result: LLMResult) -> "AnswerExecution":
        ran = result.execution
        return cls(ran.location, ran.model, ran.strategy, ran.reason)


class QuestionTask(Struct, frozen=True, kw_only=True):
    """`classification` can only raise the class that the sources and the turns give the question."""

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
    """All that an answer is made with."""

    library: Library
    extractive: ExtractiveAnswerer
    proxy: ExecutionProxy
    meter: Meter

    async def sources(self, asked: QuestionTask) -> Sources:
        """Best first. Raises `StoreUnavailable`."""
        query = asked.question
        if asked.turns and len(query.split()) <= _FOLLOWING_WORDS:
            query = f"{asked.turns[-1].question} {query}"
        return await self.library.sources(query, asked.mode, max(READ, asked.limit), asked.document_ids)

    async def stream(self, asked: QuestionTask, sources: Sources) -> AsyncGenerator[Token | AnswerResult]:
        """A model's words as they come, then the reply, last and once: only that is checked."""
        async with aclosing(self._answered(asked, sources)) as events:
            async for event in events:
                if isinstance(event, AnswerResult):
                    self._note(asked, sources, event)
                yield event

    async def _answered(self, asked: QuestionTask, sources: Sources) -> AsyncGenerator[Token | AnswerResult]:
        if not sources.items:
            yield self._empty(asked, sources)
            return
        try:
            async with aclosing(self._modelled(asked, sources)) as events:
                async for event in events:
                    yield event
        except NoModel as missing:
            yield await self._extracted(asked, sources, missing.reason)

    def _note(self, asked: QuestionTask, sources: Sources, reply: AnswerResult) -> None:
        found = [(source.found.passage.passage_id, source.found.score) for source in sources.items[: asked.limit]]
        self.meter.note_question(asked.payer, sources.embedded_tokens, reply.execution.reason, found)

    async def reply(self, asked: QuestionTask, sources: Sources) -> AnswerResult:
        async with aclosing(self.stream(asked, sources)) as events:
            async for event in events:
                if isinstance(event, AnswerResult):
                    return event
        raise AssertionError("a stream ends with its reply")

    async def _modelled(self, asked: QuestionTask, sources: Sources) -> AsyncGenerator[Token | AnswerResult]:
        """With fewer passages where the prompt is too long for the model. Raises `NoModel`."""
        tokens = _PROMPT_TOKENS[asked.quality]
        while True:
            packed = prompt(asked.question, asked.classification, sources.items[: asked.limit], asked.turns, tokens)
            try:
                async with aclosing(self.proxy.stream(_task(asked, packed, sources))) as events:
                    async for event in events:
                        yield _checked(asked, packed, sources, event) if isinstance(event, LLMResult) else event
                return
            except PromptTooLong:
                tokens //= 2
                if tokens < _LEAST_TOKENS:
                    raise NoModel("fallback_context") from None

    async def _extracted(self, asked: QuestionTask, sources: Sources, reason: str) -> AnswerResult:
        found = [source.found for source in sources.items]
        extracted = await self.extractive.answer(asked.question, found)
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
            classification=_highest(asked, used),
        )

    def _empty(self, asked: QuestionTask, sources: Sources) -> AnswerResult:
        """Nothing was found: no model is asked what it thinks of nothing."""
        usage = Usage(embedded_tokens=sources.embedded_tokens)
        execution = AnswerExecution("extractive", "extractive", "hybrid", "default")
        return AnswerResult(False, "", (), usage, execution, sources.degraded, asked.classification)


def _task(asked: QuestionTask, packed: Prompt, sources: Sources) -> LLMTask:
    scores = {source.found.passage.passage_id: source.found.score for source in sources.items}
    return LLMTask(
        kind="generation",
        payer=asked.payer,
        messages=packed.messages,
        classification=asked.classification,
        quality=asked.quality,
        complexity=judge(asked.question, len(asked.document_ids or ())),
        max_latency_ms=asked.max_latency_ms,
        max_output_tokens=_ANSWER_TOKENS[asked.quality],
        max_cost_microusd=asked.max_cost_microusd,
        passages=tuple(
            (passage.passage_id, round(scores[passage.passage_id] * 1_000_000)) for passage in packed.passages
        ),
        on_remaining=asked.on_remaining,
    )


def _checked(asked: QuestionTask, packed: Prompt, sources: Sources, result: LLMResult) -> AnswerResult:
    """What of the model's answer its sources carry."""
    shown = {passage.passage_id for passage in packed.passages}
    used = [source for source in sources.items if source.found.passage.passage_id in shown]
    checked: Verified = supported(result.text, [source.found for source in used], _titles(sources))
    return AnswerResult(
        answered=checked.answered,
        text=checked.text,
        citations=checked.citations,
        usage=replace(result.usage, embedded_tokens=sources.embedded_tokens),
        execution=AnswerExecution.of(result),
        degraded=(*sources.degraded, *(("counters",) if result.execution.reason == "fallback_counters" else ())),
        classification=_highest(asked, used),
    )


def in_words(text: str) -> list[str]:
    """Spaces kept, so that the pieces joined are the text."""
    words = text.split(" ")
    return [word + " " for word in words[:-1]] + [words[-1]] if text else []


def _highest(asked: QuestionTask, used: list[RetrievedSource]) -> Classification:
    found = asked.classification
    for turn in asked.turns:
        found = higher(found, turn.classification)
    for source in used:
        found = higher(found, source.classification)
    return found


def _titles(sources: Sources) -> dict[str, str]:
    return {source.found.passage.document_id: source.title for source in sources.items}
