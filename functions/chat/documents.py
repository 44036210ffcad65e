"""A chat with `aegis`: the last question is answered from the tenant's documents, with the turns before it as context.
Only the checked answer is sent; a stream is that answer in pieces."""

from collections.abc import AsyncIterator, Iterator, Sequence

from functions.chat.answer_classes import AnswerClasses
from functions.chat.chunks import Chunks, started
from functions.chat.messages import ChatRequest
from functions.chat.openai_types import AssistantMessage, ChatChoice, ChatCompletion, chat_usage
from functions.chat.prompting import read
from shared.answers.answering import Answering, AnswerResult, QuestionTask, split_words
from shared.answers.prompting import PromptTurn
from shared.proxy.task import PromptMessage
from shared.types.call import Call
from shared.types.document import Classification, higher
from shared.types.errors import InvalidRequest
from shared.types.http import EventStream, ServerSentEvent
from shared.types.payer import Payer

_CLASS: Classification = "internal"
_LONGEST_QUESTION = 8000


async def complete(
    request: ChatRequest, answering: Answering, classes: AnswerClasses, payer: Payer, call: Call, chunks: Chunks
) -> ChatCompletion:
    result = await _answer(await _task(request, classes, payer, call), answering, classes)
    return ChatCompletion(
        id=chunks.id,
        created=chunks.created,
        model=chunks.model,
        choices=(ChatChoice(AssistantMessage(result.text), "stop"),),
        usage=chat_usage(result.usage),
        aegis_citations=result.citations,
        aegis_execution=result.execution,
    )


async def stream(
    request: ChatRequest, answering: Answering, classes: AnswerClasses, payer: Payer, call: Call, chunks: Chunks
) -> EventStream:
    task = await _task(request, classes, payer, call)

    async def results() -> AsyncIterator[AnswerResult]:
        yield await _answer(task, answering, classes)

    return EventStream(_events(await started(results()), chunks), named=False)


async def _events(results: AsyncIterator[AnswerResult], chunks: Chunks) -> AsyncIterator[ServerSentEvent]:
    yield chunks.first()
    async for result in results:
        for word in split_words(result.text):
            yield chunks.piece(word)
        for event in chunks.last("stop", chat_usage(result.usage), result.execution, result.citations):
            yield event


async def _answer(task: QuestionTask, answering: Answering, classes: AnswerClasses) -> AnswerResult:
    result = await answering.answer(task, await answering.sources(task))
    await classes.store(result.text, result.classification)
    return result


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
    known_classes = await classes.of([answer for _, answer in exchanged])
    return QuestionTask(
        question=question,
        payer=payer,
        classification=classification,
        turns=tuple(
            PromptTurn(asked, answer, higher(classification, known))
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
