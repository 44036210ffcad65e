"""Answers in the format of OpenAI's Responses API, text in and text out, by way of a chat; a response goes on where an
earlier one ended, by the conversation that is stored for it."""

import secrets
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, suppress
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from functions.chat import completions
from functions.chat.messages import ChatMessage, ChatRequest, JsonSchema, ResponseFormat, StreamOptions
from functions.chat.openai_types import AEGIS, ChatChunk, ChatCompletion, ChatUsage
from functions.chat.response_types import (
    IncompleteDetails,
    InputMessage,
    ModelResponse,
    OutputMessage,
    OutputText,
    ResponsesRequest,
    ResponseUsage,
)
from shared.answers.answering import Answering
from shared.conversations.answer_classes import CONFIDENTIAL, AnswerClasses
from shared.conversations.conversations import Conversations, Turn
from shared.proxy.execution.proxy import ExecutionProxy
from shared.redis.client import RedisClient
from shared.types.call import Call
from shared.types.clock import now
from shared.types.document import higher
from shared.types.errors import BudgetExceeded, InvalidRequest, ModelNotFound, StoreUnavailable
from shared.types.http import EventStream, ServerSentEvent
from shared.types.payer import Payer
from shared.types.principal import Principal
from shared.types.provenance import Provenance

ERRORS = (BudgetExceeded, ModelNotFound)

_ID_LENGTH = 24
"""Hexadecimal digits of a conversation's id, which a response's id begins with."""


async def handle(
    request: ResponsesRequest,
    proxy: ExecutionProxy,
    answering: Answering,
    redis: RedisClient,
    conversations: Conversations,
    payer: Payer,
    principal: Principal,
    call: Call,
) -> ModelResponse | EventStream:
    started_s = time.monotonic()
    earlier, conversation_id = await _earlier(request, conversations)
    chat = _chat(request, earlier)
    answer = await completions.handle(chat, proxy, answering, redis, payer, principal, call)
    if not conversation_id and request.store is not False:
        conversation_id = await _conversation(chat, conversations)
    storing = _Storing(request, conversation_id, conversations, AnswerClasses(redis, call.tenant_id), started_s)
    response = _begin(request, conversation_id)
    if isinstance(answer, EventStream):
        return EventStream(_events(answer.events, response, storing))
    (choice,) = answer.choices
    done = _ended(response, choice.message.content or "", choice.finish_reason == "length", answer.usage, answer)
    await storing.store(done)
    return done


class _Storing(Struct, frozen=True):
    """Stores a response's turns in its conversation, if it has one."""

    request: ResponsesRequest
    conversation_id: str
    conversations: Conversations
    classes: AnswerClasses
    started_s: float

    async def store(self, response: ModelResponse) -> None:
        """Without the store the response stands, and nothing goes on from it."""
        if not self.conversation_id or self.request.store is False:
            return
        with suppress(StoreUnavailable):
            for turn in await self._turns(response):
                await self.conversations.add(self.conversation_id, turn, time.monotonic() - self.started_s)

    async def _turns(self, response: ModelResponse) -> list[Turn]:
        asked_class = self.request.classification or "internal"
        texts = list(_pairs(self.request, response.output[0].content[0].text))
        known = await self.classes.of([answer for _, answer in texts])
        usual: list[Provenance] = [CONFIDENTIAL] * (len(texts) - 1) + [Provenance(higher("internal", asked_class))]
        cited = response.aegis_citations or ()
        turns = []
        for number, (question, answer) in enumerate(texts):
            made_from = known[number] or usual[number]
            is_last = number == len(texts) - 1
            turns.append(
                Turn(
                    question=question,
                    answered=not is_last or bool(cited) or self.request.model != AEGIS,
                    answer=answer,
                    citations=cited if is_last else (),
                    classification=made_from.asked_class,
                    at=now(),
                    document_ids=made_from.quoted_ids,
                    provenance=made_from,
                )
            )
        return turns


def _pairs(request: ResponsesRequest, answer: str) -> Iterator[tuple[str, str]]:
    """Yields what the input and the answer say, as questions with answers."""
    question = ""
    for message in _messages(request):
        text = _text(message)
        if message.role == "user":
            question = f"{question}\n{text}".strip()
        elif message.role == "assistant":
            yield question, text
            question = ""
    yield question, answer


async def _earlier(request: ResponsesRequest, conversations: Conversations) -> tuple[list[ChatMessage], str]:
    """The messages before the request's, and the id of their conversation. Raises `InvalidRequest`."""
    if request.previous_response_id is None:
        return [], ""
    conversation_id = f"cnv_{request.previous_response_id.removeprefix('resp_')[:_ID_LENGTH]}"
    history = await conversations.history(conversation_id)
    if history is None or not history.turns or history.is_shortened:
        detail = "no such response to go on from: it was not stored, a day went by, or a document of it is gone"
        raise InvalidRequest.at("/previous_response_id", detail)
    messages = []
    for turn in history.turns:
        messages += [ChatMessage("user", turn.question)] if turn.question else []
        messages += [ChatMessage("assistant", turn.answer)] if turn.answer else []
    return messages, conversation_id


async def _conversation(chat: ChatRequest, conversations: Conversations) -> str:
    """The id of a new conversation; empty where it cannot be stored."""
    try:
        return await conversations.begin(str(chat.messages[-1].content))
    except StoreUnavailable:
        return ""


def _messages(request: ResponsesRequest) -> tuple[InputMessage, ...]:
    return (InputMessage("user", request.input),) if isinstance(request.input, str) else request.input


def _text(message: InputMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(part.text for part in message.content)


def _chat(request: ResponsesRequest, earlier: list[ChatMessage]) -> ChatRequest:
    """Raises `InvalidRequest` for what is not done here."""
    if request.tools:
        raise InvalidRequest.at("/tools", "tools are passed on at /v1/chat/completions, not here")
    if request.background:
        raise InvalidRequest.at("/background", "a response is made while its caller waits")
    instructions = [ChatMessage("system", request.instructions)] if request.instructions else []
    own = [ChatMessage(message.role, _text(message)) for message in _messages(request)]
    wanted = request.text.format if request.text else None
    return ChatRequest(
        model=request.model,
        messages=(*instructions, *earlier, *own),
        stream=request.stream,
        stream_options=StreamOptions(include_usage=True),
        max_completion_tokens=request.max_output_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        response_format=ResponseFormat(wanted.type, JsonSchema(wanted.name, wanted.schema or {})) if wanted else None,
        reasoning_effort=request.reasoning.effort if request.reasoning else None,
        classification=request.classification,
    )


def _begin(request: ResponsesRequest, conversation_id: str) -> ModelResponse:
    place = conversation_id.removeprefix("cnv_") or secrets.token_hex(_ID_LENGTH // 2)
    return ModelResponse(
        id=f"resp_{place}{secrets.token_hex(8)}",
        created_at=int(time.time()),
        status="in_progress",
        model=request.model,
        instructions=request.instructions,
        previous_response_id=request.previous_response_id,
        temperature=request.temperature,
        top_p=request.top_p,
        max_output_tokens=request.max_output_tokens,
    )


def _ended(
    response: ModelResponse, text: str, is_cut: bool, used: ChatUsage, last: ChatCompletion | ChatChunk
) -> ModelResponse:
    usage = ResponseUsage(
        input_tokens=used.prompt_tokens,
        output_tokens=used.completion_tokens,
        total_tokens=used.total_tokens,
        input_tokens_details=used.prompt_tokens_details,
        cost_usd=used.cost_usd,
    )
    return replace(
        response,
        status="incomplete" if is_cut else "completed",
        incomplete_details=IncompleteDetails() if is_cut else None,
        output=(_message(response, text, "incomplete" if is_cut else "completed"),),
        usage=usage,
        aegis_citations=last.aegis_citations,
        aegis_execution=last.aegis_execution,
        aegis_degraded=last.aegis_degraded,
    )


def _message(response: ModelResponse, text: str | None, status: Any) -> OutputMessage:
    content = () if text is None else (OutputText(text),)
    return OutputMessage(f"msg_{response.id.removeprefix('resp_')}", status, content)


async def _events(
    events: AsyncIterator[ServerSentEvent], response: ModelResponse, storing: _Storing
) -> AsyncGenerator[ServerSentEvent]:
    """The events of the response, numbered."""
    assert isinstance(events, AsyncGenerator)
    number = 0
    async with aclosing(events), aclosing(_unnumbered(events, response, storing)) as pieces:
        async for name, fields in pieces:
            yield ServerSentEvent(name, {"type": name, "sequence_number": number, **fields})
            number += 1


async def _unnumbered(
    events: AsyncIterator[ServerSentEvent], response: ModelResponse, storing: _Storing
) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
    part = {"item_id": _message(response, None, "in_progress").id, "output_index": 0, "content_index": 0}
    yield "response.created", {"response": response}
    yield "response.in_progress", {"response": response}
    item = _message(response, None, "in_progress")
    yield "response.output_item.added", {"output_index": 0, "item": item}
    yield "response.content_part.added", {**part, "part": OutputText("")}
    text, last, used = "", None, None
    async for event in events:
        chunk: ChatChunk = event.data
        used = chunk.usage or used
        if not chunk.choices:
            continue
        delta = chunk.choices[0].delta.content
        if chunk.choices[0].finish_reason:
            last = chunk
        if isinstance(delta, str) and delta:
            text += delta
            yield "response.output_text.delta", {**part, "delta": delta, "logprobs": []}
    assert last is not None and isinstance(used, ChatUsage)
    done = _ended(response, text, last.choices[0].finish_reason == "length", used, last)
    await storing.store(done)
    yield "response.output_text.done", {**part, "text": text, "logprobs": []}
    yield "response.content_part.done", {**part, "part": OutputText(text)}
    yield "response.output_item.done", {"output_index": 0, "item": done.output[0]}
    yield f"response.{done.status}", {"response": done}
