"""A chat with an upstream's model: passed to the proxy, with nothing retrieved and nothing added."""

from collections.abc import AsyncIterator
from typing import Any

from functions.chat.chunks import Chunks, started
from functions.chat.messages import ChatRequest
from functions.chat.openai_types import AssistantMessage, ChatChoice, ChatCompletion, chat_usage
from functions.chat.prompting import read
from shared.answers.answering import AnswerExecution
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.task import LLMResult, LLMTask, Token
from shared.types.call import Call
from shared.types.document import Classification, higher
from shared.types.errors import InvalidRequest
from shared.types.http import EventStream, ServerSentEvent
from shared.types.model import Sampling
from shared.types.payer import Payer

_CLASS: Classification = "internal"
_TOKENS = 1024
_ANY_OBJECT: dict[str, Any] = {"type": "object"}


async def complete(
    request: ChatRequest, proxy: ExecutionProxy, payer: Payer, call: Call, chunks: Chunks
) -> ChatCompletion:
    result = await proxy.execute(_task(request, payer, call))
    return ChatCompletion(
        id=chunks.id,
        created=chunks.created,
        model=chunks.model,
        choices=(ChatChoice(AssistantMessage(result.text), result.finish),),
        usage=chat_usage(result.usage),
        aegis_execution=AnswerExecution.of(result),
    )


async def stream(request: ChatRequest, proxy: ExecutionProxy, payer: Payer, call: Call, chunks: Chunks) -> EventStream:
    items = await started(proxy.stream(_task(request, payer, call)))
    return EventStream(_events(items, chunks), named=False)


async def _events(items: AsyncIterator[Token | LLMResult], chunks: Chunks) -> AsyncIterator[ServerSentEvent]:
    yield chunks.first()
    has_text = False
    async for item in items:
        if isinstance(item, Token):
            has_text = True
            yield chunks.piece(item.text)
            continue
        if not has_text:  # an answer that has to fit a schema comes as a whole
            yield chunks.piece(item.text)
        for event in chunks.last(item.finish, chat_usage(item.usage), AnswerExecution.of(item)):
            yield event


def _task(request: ChatRequest, payer: Payer, call: Call) -> LLMTask:
    classification = higher(_CLASS, request.classification or _CLASS)
    messages = read(request.messages, classification)
    stop = (request.stop,) if isinstance(request.stop, str) else request.stop or ()
    return LLMTask(
        kind="vision" if any(message.pictures for message in messages) else "generation",
        payer=payer,
        messages=messages,
        classification=classification,
        schema=_schema(request),
        max_output_tokens=request.max_completion_tokens or request.max_tokens or _TOKENS,
        model=request.model,
        sampling=Sampling(request.temperature, request.top_p, request.seed, stop),
        on_remaining=call.on_remaining,
    )


def _schema(request: ChatRequest) -> dict[str, Any] | None:
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return _ANY_OBJECT
    if wanted.json_schema is None or not wanted.json_schema.schema:
        raise InvalidRequest.at("/response_format/json_schema", "`json_schema` takes a `name` and a `schema`")
    return wanted.json_schema.schema
