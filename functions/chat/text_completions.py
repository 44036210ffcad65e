"""Continues a prompt in the format of OpenAI's older completions: the prompt becomes the message of a chat."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from functions.chat import completions
from functions.chat.messages import ChatMessage, ChatRequest, CompletionRequest
from functions.chat.openai_types import ChatChunk, ChatDelta, TextChoice, TextCompletion
from shared.answers.answering import Answering
from shared.proxy.execution.proxy import ExecutionProxy
from shared.redis.client import RedisClient
from shared.types.call import Call
from shared.types.errors import BudgetExceeded, InvalidRequest, ModelNotFound
from shared.types.http import EventStream, ServerSentEvent
from shared.types.payer import Payer
from shared.types.principal import Principal

ERRORS = (BudgetExceeded, ModelNotFound)


async def handle(
    request: CompletionRequest,
    proxy: ExecutionProxy,
    answering: Answering,
    redis: RedisClient,
    payer: Payer,
    principal: Principal,
    call: Call,
) -> TextCompletion | EventStream:
    chat = _chat(request)
    answer = await completions.handle(chat, proxy, answering, redis, payer, principal, call)
    if isinstance(answer, EventStream):
        return EventStream(_events(answer.events), named=False)
    (choice,) = answer.choices
    return TextCompletion(
        id=_id(answer.id),
        created=answer.created,
        model=answer.model,
        choices=(TextChoice(choice.message.content or "", choice.finish_reason),),
        usage=answer.usage,
        aegis_citations=answer.aegis_citations,
        aegis_execution=answer.aegis_execution,
        aegis_degraded=answer.aegis_degraded,
    )


async def _events(events: AsyncIterator[ServerSentEvent]) -> AsyncGenerator[ServerSentEvent]:
    assert isinstance(events, AsyncGenerator)
    async with aclosing(events) as chunks:
        async for event in chunks:
            yield ServerSentEvent("", _chunk(event.data))


def _chunk(chunk: ChatChunk) -> TextCompletion:
    return TextCompletion(
        id=_id(chunk.id),
        created=chunk.created,
        model=chunk.model,
        choices=tuple(
            TextChoice(one.delta.content if isinstance(one.delta.content, str) else "", one.finish_reason)
            for one in chunk.choices
        ),
        usage=chunk.usage,
        aegis_citations=chunk.aegis_citations,
        aegis_execution=chunk.aegis_execution,
        aegis_degraded=chunk.aegis_degraded,
    )


def _text(delta: ChatDelta) -> str:
    return delta.content if isinstance(delta.content, str) else ""


def _id(chat_id: str) -> str:
    return f"cmpl-{chat_id.removeprefix('chatcmpl-')}"


def _chat(request: CompletionRequest) -> ChatRequest:
    """Raises `InvalidRequest` for what a chat cannot do."""
    prompts: list[Any] = request.prompt if isinstance(request.prompt, list) else [request.prompt]
    if len(prompts) != 1 or not isinstance(prompts[0], str):
        raise InvalidRequest.at("/prompt", "send one text; lists of texts and numbers of tokens are not taken")
    if request.suffix:
        raise InvalidRequest.at("/suffix", "text is not inserted before a suffix; leave `suffix` away")
    if request.echo or request.best_of not in (None, 1):
        raise InvalidRequest.at("/echo" if request.echo else "/best_of", "the answer is made once and sent alone")
    return ChatRequest(
        model=request.model,
        messages=(ChatMessage("user", prompts[0]),),
        stream=request.stream,
        stream_options=request.stream_options,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        stop=request.stop,
        seed=request.seed,
        n=request.n,
        classification=request.classification,
    )
