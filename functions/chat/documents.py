"""A chat with `aegis`: the last question is answered from the tenant's documents, with the turns before it as context.
Only checked text is sent; a stream brings it statement by statement."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from msgspec import UNSET

from functions.chat.chunks import Chunks, started
from functions.chat.history import answered_questions, known_provenances
from functions.chat.messages import ChatRequest
from functions.chat.openai_types import AssistantMessage, ChatChoice, ChatCompletion, chat_usage
from functions.chat.prompting import read
from shared.answers.answering import Answering, AnswerResult, QuestionTask
from shared.answers.citations import CheckedText
from shared.answers.prompting import PromptTurn
from shared.answers.question import understand
from shared.conversations.answer_classes import AnswerClasses
from shared.proxy.task import PromptMessage
from shared.retrieval.sources import Library
from shared.types.call import Call
from shared.types.document import Classification, higher
from shared.types.errors import InvalidRequest
from shared.types.http import EventStream, ServerSentEvent
from shared.types.payer import Payer
from shared.types.provenance import Provenance

_CLASS: Classification = "internal"
_LONGEST_QUESTION = 8000
_LONGEST_STYLE = 16_000
_HIGH_EFFORTS = ("high", "xhigh", "max")
_UNANSWERED = "The documents do not say."
_UNANSWERED_IN_GERMAN = "Die Dokumente sagen dazu nichts."
_REFUSALS = (_UNANSWERED, _UNANSWERED_IN_GERMAN)


async def complete(
    request: ChatRequest, answering: Answering, classes: AnswerClasses, payer: Payer, call: Call, chunks: Chunks
) -> ChatCompletion:
    task = await _task(request, answering.library, classes, payer, call)
    result = await answering.answer(task, await answering.sources(task))
    text = await _store(task, result, classes)
    return ChatCompletion(
        id=chunks.id,
        created=chunks.created,
        model=chunks.model,
        choices=(ChatChoice(AssistantMessage(text), "stop"),),
        usage=chat_usage(result.usage),
        aegis_citations=result.citations,
        aegis_execution=result.execution,
        aegis_degraded=result.degraded or UNSET,
    )


async def stream(
    request: ChatRequest, answering: Answering, classes: AnswerClasses, payer: Payer, call: Call, chunks: Chunks
) -> EventStream:
    task = await _task(request, answering.library, classes, payer, call)
    pieces = await started(answering.stream(task, await answering.sources(task)))
    return EventStream(_events(pieces, task, classes, chunks), named=False)


async def _events(
    pieces: AsyncGenerator[CheckedText | AnswerResult], task: QuestionTask, classes: AnswerClasses, chunks: Chunks
) -> AsyncIterator[ServerSentEvent]:
    yield chunks.first()
    async with aclosing(pieces):
        async for piece in pieces:
            if isinstance(piece, CheckedText):
                yield chunks.piece(piece.text)
                continue
            text = await _store(task, piece, classes)
            if not piece.answered:
                yield chunks.piece(text)
            usage, degraded = chat_usage(piece.usage), piece.degraded or UNSET
            for event in chunks.last("stop", usage, piece.execution, piece.citations, degraded):
                yield event


async def _store(task: QuestionTask, result: AnswerResult, classes: AnswerClasses) -> str:
    """Stores what the answer was made from, and returns its text: a sentence that says so where the documents do not.
    Of a question only a class above the usual one is stored."""
    if higher(task.classification, _CLASS) != _CLASS:
        await classes.store(task.question, Provenance(task.classification))
    if result.answered:
        await classes.store(result.text, result.provenance)
        return result.text
    return _UNANSWERED_IN_GERMAN if understand(task.question).german else _UNANSWERED


async def _task(
    request: ChatRequest, library: Library, classes: AnswerClasses, payer: Payer, call: Call
) -> QuestionTask:
    classification = higher(_CLASS, request.classification or _CLASS)
    _check_without_tools(request)
    messages = read(request.messages, classification)
    at = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    question = messages[at].text.strip() if at >= 0 else ""
    if not question:
        raise InvalidRequest.at("/messages", "the last message of the role `user` has to hold the question")
    if len(question) > _LONGEST_QUESTION:
        raise InvalidRequest.at(f"/messages/{at}/content", f"a question has at most {_LONGEST_QUESTION} characters")
    if any(message.pictures for message in messages):
        raise InvalidRequest.at("/messages", "`aegis` answers questions in words; name a model that sees pictures")
    style = _style(messages)
    known = await known_provenances(messages, classes)
    of_style = [one for message, one in zip(messages, known, strict=True) if one and message.role == "system"]
    asked = tuple(answered_questions(messages[:at], known[:at], classification, _REFUSALS))
    asking = (known[at] or Provenance()).joined(of_style)
    own, *present = await library.present_classes([asking, *(one.provenance for one in asked)])
    turns = tuple(
        PromptTurn(one.question, one.answer, higher(classification, now), one.provenance)
        for one, now in zip(asked, present, strict=True)
        if now
    )
    return QuestionTask(
        question=question,
        payer=payer,
        classification=higher(classification, own or "confidential"),
        quality="high" if request.reasoning_effort in _HIGH_EFFORTS else "standard",
        style=style,
        turns=turns,
        degraded=() if len(turns) == len(asked) else ("conversation",),
        on_remaining=call.on_remaining,
    )


def _check_without_tools(request: ChatRequest) -> None:
    if (
        request.tools
        or request.functions
        or any(one.role in ("tool", "function") or one.tool_calls for one in request.messages)
    ):
        raise InvalidRequest.at("/tools", "`aegis` answers from documents and calls no tools; name another model")
    if request.response_format and request.response_format.type != "text":
        detail = "`aegis` answers in words with citations; name another model for JSON"
        raise InvalidRequest.at("/response_format", detail)


def _style(messages: tuple[PromptMessage, ...]) -> str:
    """What the system's messages want of the answer's words."""
    style = "\n".join(message.text.strip() for message in messages if message.role == "system").strip()
    if len(style) > _LONGEST_STYLE:
        raise InvalidRequest.at("/messages", f"the messages of the system have at most {_LONGEST_STYLE} characters")
    return style
