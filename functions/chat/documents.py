"""A chat with `aegis`: the last question is answered from the tenant's documents, what was said before it is its
context. Nothing leaves before it is checked, so that a stream is the checked answer in pieces."""

from collections.abc import AsyncIterator, Iterator, Sequence

from functions.chat.chunks import Chunks, begun
from functions.chat.messages import ChatRequest
from functions.chat.prompting import invalid, read
from functions.chat.said import Said
from functions.chat.shapes import AssistantMessage, ChatChoice, ChatCompletion, chat_usage
from shared.answers.answering import Answering, AnswerResult, QuestionTask, in_words
from shared.answers.prompting import PromptTurn
from shared.proxy.task import PromptMessage
from shared.types.call import Call
from shared.types.document import Classification, higher
from shared.types.http import EventStream, ServerSentEvent
from shared.types.payer import Payer

_CLASS: Classification = "internal"
_LONGEST_QUESTION = 8000


async def complete(
    request: ChatRequest, answering: Answering, said: Said, payer: Payer, call: Call, chunks: Chunks
) -> ChatCompletion:
    reply = await _reply(await _asked(request, said, payer, call), answering, said)
    return ChatCompletion(
        id=chunks.id,
        created=chunks.created,
        model=chunks.model,
        choices=(ChatChoice(AssistantMessage(reply.text), "stop"),),
        usage=chat_usage(reply.usage),
        aegis_citations=reply.citations,
        aegis_execution=reply.execution,
    )


async def stream(
    request: ChatRequest, answering: Answering, said: Said, payer: Payer, call: Call, chunks: Chunks
) -> EventStream:
    asked = await _asked(request, said, payer, call)

    async def replies() -> AsyncIterator[AnswerResult]:
        yield await _reply(asked, answering, said)

    return EventStream(_events(await begun(replies()), chunks), named=False)


async def _events(replies: AsyncIterator[AnswerResult], chunks: Chunks) -> AsyncIterator[ServerSentEvent]:
    yield chunks.first()
    async for reply in replies:
        for word in in_words(reply.text):
            yield chunks.piece(word)
        for event in chunks.last("stop", chat_usage(reply.usage), reply.execution, reply.citations):
            yield event


async def _reply(asked: QuestionTask, answering: Answering, said: Said) -> AnswerResult:
    reply = await answering.reply(asked, await answering.sources(asked))
    await said.keep(reply.text, reply.classification)
    return reply


async def _asked(request: ChatRequest, said: Said, payer: Payer, call: Call) -> QuestionTask:
    classification = higher(_CLASS, request.classification or _CLASS)
    messages = read(request.messages, classification)
    at = max((place for place, message in enumerate(messages) if message.role == "user"), default=-1)
    question = messages[at].text.strip() if at >= 0 else ""
    if not question:
        raise invalid("/messages", "the last message of the role `user` has to hold the question")
    if len(question) > _LONGEST_QUESTION:
        raise invalid(f"/messages/{at}/content", f"a question has at most {_LONGEST_QUESTION} characters")
    if any(message.pictures for message in messages):
        raise invalid("/messages", "`aegis` answers questions in words; name a model that sees pictures")
    exchanged = tuple(_exchanged(messages[:at]))
    classes = await said.classes([answer for _, answer in exchanged])
    return QuestionTask(
        question=question,
        payer=payer,
        classification=classification,
        turns=tuple(
            PromptTurn(asked, answer, higher(classification, known))
            for (asked, answer), known in zip(exchanged, classes, strict=True)
        ),
        on_remaining=call.on_remaining,
    )


def _exchanged(messages: Sequence[PromptMessage]) -> Iterator[tuple[str, str]]:
    """Questions with their answers; messages of one speaker in a row are one, what has no answer is left out."""
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
