"""A chat with `aegis`: the last question is answered from the tenant's documents, with the turns before it as context.
Only checked text is sent; a stream brings it statement by statement."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing

from functions.chat.answer_classes import AnswerClasses
from functions.chat.chunks import Chunks, started
from functions.chat.messages import ChatRequest
from functions.chat.openai_types import AssistantMessage, ChatChoice, ChatCompletion, chat_usage
from functions.chat.prompting import read
from shared.answers.answering import Answering, AnswerResult, QuestionTask
from shared.answers.citations import CheckedText
from shared.answers.prompting import PromptTurn
from shared.answers.question import understand
from shared.proxy.task import PromptMessage
from shared.types.call import Call
from shared.types.document import Classification, higher
from shared.types.errors import InvalidRequest
from shared.types.http import EventStream, ServerSentEvent
from shared.types.payer import Payer

_CLASS: Classification = "internal"
_LONGEST_QUESTION = 8000
_UNANSWERED = "The documents do not say."
_UNANSWERED_IN_GERMAN = "Die Dokumente sagen dazu nichts."


async def complete(
    request: ChatRequest, answering: Answering, classes: AnswerClasses, payer: Payer, call: Call, chunks: Chunks
) -> ChatCompletion:
    task = await _task(request, classes, payer, call)
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
    )


async def stream(
    request: ChatRequest, answering: Answering, classes: AnswerClasses, payer: Payer, call: Call, chunks: Chunks
) -> EventStream:
    task = await _task(request, classes, payer, call)
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
            for event in chunks.last("stop", chat_usage(piece.usage), piece.execution, piece.citations):
                yield event


async def _store(task: QuestionTask, result: AnswerResult, classes: AnswerClasses) -> str:
    """Stores the class of the answer, and returns its text: a sentence that says so where the documents do not."""
    if result.answered:
        await classes.store(result.text, result.classification)
        return result.text
    text = _UNANSWERED_IN_GERMAN if understand(task.question).german else _UNANSWERED
    await classes.store(_with_question(task.question, text), result.classification)
    return text


def _with_question(question: str, answer: str) -> str:
    """What the class of an answer is stored under: a refusal is the same for all questions."""
    return f"{question.strip()}\n{answer.strip()}" if _is_refusal(answer) else answer


def _is_refusal(answer: str) -> bool:
    return answer.strip() in (_UNANSWERED, _UNANSWERED_IN_GERMAN)


async def _task(request: ChatRequest, classes: AnswerClasses, payer: Payer, call: Call) -> QuestionTask:
    classification = higher(_CLASS, request.classification or _CLASS)
    messages = read(request.messages, classification)
    at = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    question = messages[at].text.strip() if at >= 0 else ""
    if not question:
        raise InvalidRequest.at("/messages", "the last message of the role `user` has to hold the question")
    if len(question) > _LONGEST_QUESTION:
        raise InvalidRequest.at(f"/messages/{at}/content", f"a question has at most {_LONGEST_QUESTION} characters")
    if any(message.pictures for message in messages):
        raise InvalidRequest.at("/messages", "`aegis` answers questions in words; name a model that sees pictures")
    exchanged = tuple(_exchanged(messages[:at]))
    known_classes = await classes.of([_with_question(asked, answer) for asked, answer in exchanged])
    return QuestionTask(
        question=question,
        payer=payer,
        classification=classification,
        turns=tuple(
            PromptTurn(asked, "" if _is_refusal(answer) else answer, higher(classification, known))
            for (asked, answer), known in zip(exchanged, known_classes, strict=True)
        ),
        on_remaining=call.on_remaining,
    )


def _exchanged(messages: Sequence[PromptMessage]) -> Iterator[tuple[str, str]]:
    """Yields questions with their answers; consecutive messages of one role count as one."""
    question, answer = "", ""
    for message in messages:
        if message.role == "user":
            if answer:
                yield question, answer
                question, answer = "", ""
            question = f"{question}\n{message.text}".strip()
        elif message.role == "assistant" and question:
            answer = f"{answer}\n{message.text}".strip()
    if answer:
        yield question, answer
