"""A chat with an upstream's model: passed to the proxy, with nothing retrieved and nothing added."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import Struct

from functions.chat.chunks import Chunks, started
from functions.chat.history import classified, stored_arguments
from functions.chat.messages import ChatRequest, Tool
from functions.chat.openai_types import AssistantMessage, ChatChoice, ChatCompletion, called_tools, chat_usage
from functions.chat.prompting import read
from shared.answers.answering import AnswerExecution
from shared.conversations.answer_classes import AnswerClasses
from shared.proxy.execution.proxy import ExecutionProxy
from shared.proxy.task import LLMResult, LLMTask, PromptMessage, Token
from shared.retrieval.sources import Library
from shared.types.call import Call
from shared.types.document import Classification, higher
from shared.types.errors import InvalidRequest
from shared.types.http import EventStream, ServerSentEvent
from shared.types.model import Sampling, Tools
from shared.types.payer import Payer
from shared.types.provenance import Provenance

_CLASS: Classification = "internal"
_LEAST_TOKENS = 1024
"""Of an answer whose caller sets no limit, however little the budget has left."""
_ANY_OBJECT: dict[str, Any] = {"type": "object"}


class PassedChat(Struct, frozen=True):
    """A chat on its way to a named model, with what its messages were made from."""

    task: LLMTask
    provenance: Provenance
    classes: AnswerClasses

    async def store(self, result: LLMResult) -> None:
        """Stores what the answer was made from, where that is more than usual: it may be sent on as well."""
        if self.provenance.document_ids or self.provenance.asked_class == "confidential":
            for text in (result.text, *(stored_arguments(call) for call in result.tool_calls)):
                await self.classes.store(text, self.provenance)


async def prepare(
    request: ChatRequest, library: Library, classes: AnswerClasses, payer: Payer, call: Call
) -> PassedChat:
    """Raises `InvalidRequest`, and `Forbidden` for a message that quotes a deleted document."""
    asked_class = higher(_CLASS, request.classification or _CLASS)
    messages, provenance = await classified(read(request.messages, asked_class), classes, library)
    questions = [message.text for message in messages if message.role == "user"]
    if questions and asked_class != _CLASS:
        await classes.store(questions[-1], Provenance(asked_class))
    task = _task(request, messages, asked_class, payer, call)
    made_from = Provenance(asked_class).over([provenance])
    return PassedChat(task, made_from, classes)


async def complete(chat: PassedChat, proxy: ExecutionProxy, chunks: Chunks) -> ChatCompletion:
    result = await proxy.execute(chat.task)
    await chat.store(result)
    return ChatCompletion(
        id=chunks.id,
        created=chunks.created,
        model=chunks.model,
        choices=(ChatChoice(_message(result), result.finish),),
        usage=chat_usage(result.usage),
        aegis_execution=AnswerExecution.of(result),
    )


async def stream(chat: PassedChat, proxy: ExecutionProxy, chunks: Chunks) -> EventStream:
    items = await started(proxy.stream(chat.task))
    return EventStream(_events(items, chat, chunks), named=False)


async def _events(
    items: AsyncIterator[Token | LLMResult], chat: PassedChat, chunks: Chunks
) -> AsyncIterator[ServerSentEvent]:
    yield chunks.first()
    has_text = False
    async for item in items:
        if isinstance(item, Token):
            has_text = True
            yield chunks.piece(item.text)
            continue
        await chat.store(item)
        if item.text and not has_text:  # an answer that is checked first comes as a whole
            yield chunks.piece(item.text)
        if item.tool_calls:
            yield chunks.calls(item.tool_calls)
        for event in chunks.last(item.finish, chat_usage(item.usage), AnswerExecution.of(item)):
            yield event


def _message(result: LLMResult) -> AssistantMessage:
    if not result.tool_calls:
        return AssistantMessage(result.text)
    return AssistantMessage(result.text or None, tool_calls=called_tools(result.tool_calls))


def _task(
    request: ChatRequest,
    messages: tuple[PromptMessage, ...],
    classification: Classification,
    payer: Payer,
    call: Call,
) -> LLMTask:
    most = request.max_completion_tokens or request.max_tokens
    stop = (request.stop,) if isinstance(request.stop, str) else request.stop or ()
    return LLMTask(
        kind="vision" if any(message.pictures for message in messages) else "generation",
        payer=payer,
        messages=messages,
        classification=classification,
        schema=_schema(request),
        tools=_tools(request),
        thinking=request.reasoning_effort not in (None, "none", "minimal"),
        max_output_tokens=most or _LEAST_TOKENS,
        takes_room=most is None,
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


def _tools(request: ChatRequest) -> Tools | None:
    """Raises `InvalidRequest` for what no server is given: nothing of it is left out silently."""
    if request.functions:
        raise InvalidRequest.at("/functions", "`functions` are not passed on; send them as `tools`")
    choice = request.tool_choice or "auto"
    if not request.tools:
        if choice not in ("none", "auto"):
            raise InvalidRequest.at("/tool_choice", "there are no `tools` to choose from")
        return None
    if request.response_format and request.response_format.type != "text" and choice != "none":
        detail = "`tools` and a schema do not go together here; send one of them, or `tool_choice: none`"
        raise InvalidRequest.at("/response_format", detail)
    functions = tuple(_without_absent(tool) for tool in request.tools)
    if isinstance(choice, str):
        return Tools(functions, choice, parallel=request.parallel_tool_calls)
    name = choice.function.name
    if name not in (tool.function.name for tool in request.tools):
        raise InvalidRequest.at("/tool_choice/function/name", f"there is no function {name!r} among the `tools`")
    return Tools(functions, "required", name, request.parallel_tool_calls)


def _without_absent(tool: Tool) -> dict[str, Any]:
    function = {name: value for name, value in msgspec.structs.asdict(tool.function).items() if value is not None}
    return {"type": "function", "function": function}
