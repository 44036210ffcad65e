"""An answer on its way: what is sent is checked, adds up to the result, and comes before its deadline."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import cast

import pytest
from msgspec.structs import replace

from shared.answers.answering import Answering, AnswerResult, QuestionTask
from shared.answers.citations import CheckedText
from shared.answers.extractive import Extracted, ExtractiveAnswerer, Statement
from shared.answers.verifying import ModelVerifier
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.routing.fallbacks import NoModel
from shared.proxy.task import Execution, LLMResult, LLMTask, Token
from shared.retrieval.sources import Library, RetrievedSource, Sources
from shared.types.model import TokenCounts
from shared.types.passage import Found, Passage
from shared.types.payer import Payer
from shared.usage.metering import Meter
from tests.timing import within

PASSAGE = Passage(
    "psg_1",
    "doc_1",
    1,
    0,
    "The observatory opened in 1968. It stands on the ridge above Carrick. Its dome is eleven metres wide.",
)
OPENED = "The observatory opened in 1968 [1]."
STANDS = "It stands on the ridge above Carrick [1]."
WIDE = "Its dome is eleven metres wide [1]."
SOURCES = Sources((RetrievedSource(Found(PASSAGE, 1.0), "Observatory", "internal"),), 3, ())

_Step = Token | LLMResult | Exception | float


def end(text: str) -> LLMResult:
    return LLMResult(text, Execution("local", "small", "hybrid", "default"), TokenCounts(10, 5))


class ScriptedProxy:
    """Gives out its steps in turn: events, errors, and seconds to sleep."""

    def __init__(self, *steps: _Step) -> None:
        self.steps = steps
        self.is_closed = False
        self.tasks: list[LLMTask] = []
        self.verdict: dict[str, list[int]] = {"supported": []}

    async def execute(self, task: LLMTask) -> LLMResult:
        assert self.is_closed
        self.tasks.append(task)
        return LLMResult("", Execution("local", "small", "hybrid", "default"), TokenCounts(30, 2), data=self.verdict)

    async def stream(self, task: LLMTask) -> AsyncIterator[Token | LLMResult]:
        try:
            for step in self.steps:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, float):
                    await asyncio.sleep(step)
                else:
                    yield step
        finally:
            self.is_closed = True


class ScriptedExtraction:
    """Quotes these sentences of the passage, after some seconds."""

    def __init__(self, *quotes: str, seconds: float = 0.0) -> None:
        self.quotes = quotes
        self.seconds = seconds
        self.calls = 0

    async def answer(self, question: str, found: Sequence[Found], lengths: object = None) -> Extracted:
        self.calls += 1
        await asyncio.sleep(self.seconds)
        statements = tuple(Statement(found[0].passage, quote, 0.9) for quote in self.quotes)
        return Extracted(bool(statements), statements, 0.9)


class NoMeter:
    async def question(self, *_: object) -> "NoMeter":
        return self

    async def record(self, *_: object, **__: object) -> None:
        pass


def answering(proxy: ScriptedProxy, extraction: ScriptedExtraction) -> Answering:
    return Answering(
        cast(Library, None),
        cast(ExtractiveAnswerer, extraction),
        cast(ExecutionProxy, proxy),
        cast(Meter, NoMeter()),
    )


def task(max_latency_ms: int | None = None) -> QuestionTask:
    payer = Payer("ten_a", "key_1", "req_1", "", "ask")
    return QuestionTask(question="When did it open?", payer=payer, max_latency_ms=max_latency_ms)


async def streamed(
    proxy: ScriptedProxy, extraction: ScriptedExtraction, max_latency_ms: int | None = None
) -> tuple[list[str], AnswerResult]:
    """The pieces that are sent, and the result, which they add up to."""
    pieces: list[CheckedText] = []
    async for event in answering(proxy, extraction).stream(task(max_latency_ms), SOURCES):
        if isinstance(event, AnswerResult):
            assert "".join(piece.text for piece in pieces) == event.text
            assert tuple(piece.citation for piece in pieces if piece.citation) == event.citations
            return [piece.text for piece in pieces], event
        pieces.append(event)
    raise AssertionError("no result came")


BROKEN = (
    Token(f"{OPENED} Its do", begins=True),
    Token("me is twelve metres"),
    Token(f"{STANDS} {OPENED} ", begins=True),
    Token("It is red."),
    end(f"{STANDS} {OPENED} It is red."),
)


async def test_behind_a_model_that_broke_off_the_next_one_states_what_is_not_there_yet() -> None:
    pieces, result = await streamed(ScriptedProxy(*BROKEN), ScriptedExtraction())
    assert pieces == [OPENED, " It stands on the ridge above Carrick [2]."]
    assert result.execution.location == "local"


async def test_a_whole_answer_is_that_of_the_model_that_came_to_its_end() -> None:
    result = await answering(ScriptedProxy(*BROKEN), ScriptedExtraction()).answer(task(), SOURCES)
    assert result.text == "It stands on the ridge above Carrick [1]. The observatory opened in 1968 [2]."


async def test_behind_the_last_model_that_broke_off_sentences_are_quoted() -> None:
    proxy = ScriptedProxy(Token(f"{OPENED} Its do", begins=True), NoModel("fallback_broken"))
    pieces, result = await streamed(
        proxy, ScriptedExtraction("The observatory opened in 1968.", "Its dome is eleven metres wide.")
    )
    assert pieces == [OPENED, " Its dome is eleven metres wide. [2]"]
    assert (result.execution.location, result.execution.reason) == ("extractive", "fallback_broken")
    assert result.degraded == ("model",)


async def test_a_model_that_is_too_slow_is_stopped_and_the_answer_comes_before_the_deadline() -> None:
    proxy = ScriptedProxy(60.0, end(OPENED))
    with within(10):
        pieces, result = await streamed(proxy, ScriptedExtraction("The observatory opened in 1968.", seconds=0.1), 1000)
    assert proxy.is_closed
    assert pieces == ["The observatory opened in 1968. [1]"]
    assert (result.execution.location, result.execution.reason) == ("extractive", "latency")
    assert result.degraded == ("model",)


async def test_a_slow_models_checked_statements_stay_in_a_stream_that_is_ended_by_its_deadline() -> None:
    proxy = ScriptedProxy(Token(f"{OPENED} Its dome ", begins=True), 60.0)
    pieces, result = await streamed(proxy, ScriptedExtraction("Its dome is eleven metres wide."), 300)
    assert pieces == [OPENED, " Its dome is eleven metres wide. [2]"]
    assert result.execution.reason == "latency"
    whole = await answering(
        ScriptedProxy(Token(OPENED, begins=True), 60.0), ScriptedExtraction("Its dome is eleven metres wide.")
    ).answer(task(300), SOURCES)
    assert whole.text == "Its dome is eleven metres wide. [1]"


async def test_sentences_are_looked_for_once_and_only_when_the_deadline_comes_near() -> None:
    idle, needed = ScriptedExtraction(), ScriptedExtraction("The observatory opened in 1968.")
    await streamed(ScriptedProxy(Token(OPENED, begins=True), end(OPENED)), idle, 60_000)
    assert idle.calls == 0
    await streamed(ScriptedProxy(60.0), needed, 300)
    assert needed.calls == 1


@pytest.mark.parametrize("text", ["NO ANSWER", "It is red.", ""])
async def test_what_is_not_answered_has_no_piece(text: str) -> None:
    tokens = [Token(text, begins=True)] if text else []
    pieces, result = await streamed(ScriptedProxy(*tokens, end(text)), ScriptedExtraction())
    assert (pieces, result.text, result.answered) == ([], "", False)


GRANITE = "It stands on a ridge of granite [1]."


async def test_a_model_judges_what_the_rules_leave_open_once_the_answer_is_whole() -> None:
    for supported, text in (([1], f"{OPENED} It stands on a ridge of granite [2]."), ([], OPENED), ([7], OPENED)):
        proxy = ScriptedProxy(Token(f"{GRANITE} {OPENED}", begins=True), end(f"{GRANITE} {OPENED}"))
        proxy.verdict = {"supported": supported}
        verifying = replace(answering(proxy, ScriptedExtraction()), verifier=ModelVerifier(cast(ExecutionProxy, proxy)))
        result = await verifying.answer(task(), SOURCES)
        assert result.text == text
        assert (result.usage.prompt_tokens, result.usage.completion_tokens) == (40, 7)
        assert [one.classification for one in proxy.tasks] == ["internal"]


async def test_no_model_is_asked_about_what_the_rules_decide() -> None:
    proxy = ScriptedProxy(Token(f"{OPENED} It did not open in 1968.", begins=True), end(OPENED))
    verifying = replace(answering(proxy, ScriptedExtraction()), verifier=ModelVerifier(cast(ExecutionProxy, proxy)))
    assert (await verifying.answer(task(), SOURCES)).text == OPENED
    assert proxy.tasks == []


async def test_without_a_verifier_what_the_rules_leave_open_is_left_out() -> None:
    proxy = ScriptedProxy(Token(f"{GRANITE} {OPENED}", begins=True), end(f"{GRANITE} {OPENED}"))
    assert (await answering(proxy, ScriptedExtraction()).answer(task(), SOURCES)).text == OPENED
    assert proxy.tasks == []
