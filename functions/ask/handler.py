"""Answers a question from the tenant's documents; every citation is checked against its passage before it leaves."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from functions.ask.messages import Answer, Ask
from shared.answers.answering import Answering, AnswerResult, QuestionTask, in_words
from shared.answers.prompting import PromptTurn
from shared.conversations.conversations import Conversations, Turn
from shared.proxy.task import Token
from shared.retrieval.sources import Sources, shown
from shared.types.call import Call
from shared.types.clock import now
from shared.types.errors import NotFound, StoreUnavailable
from shared.types.http import EventStream, ServerSentEvent
from shared.types.money import microusd
from shared.types.payer import Payer


async def handle(
    request: Ask, answering: Answering, conversations: Conversations, payer: Payer, call: Call
) -> Answer | EventStream:
    asked = await _asked(request, conversations, payer, call)
    sources = await answering.sources(asked)
    if request.stream:
        return EventStream(_stream(request, asked, sources, answering, conversations))
    reply = await answering.reply(asked, sources)
    return await _answer(request, asked, reply, conversations)


async def _asked(request: Ask, conversations: Conversations, payer: Payer, call: Call) -> QuestionTask:
    """Raises `NotFound` for a conversation that is not the caller's."""
    turns = await _turns(request.conversation_id, conversations) if request.conversation_id else []
    return QuestionTask(
        question=request.question,
        payer=payer,
        mode=request.mode,
        limit=request.limit,
        quality=request.quality,
        max_latency_ms=request.max_latency_ms,
        max_cost_microusd=None if request.max_cost_usd is None else microusd(request.max_cost_usd),
        classification=request.classification or "internal",
        document_ids=request.document_ids,
        turns=tuple(PromptTurn(turn.question, turn.answer, turn.classification) for turn in turns),
        on_remaining=call.on_remaining,
    )


async def _turns(conversation_id: str, conversations: Conversations) -> list[Turn]:
    turns = await conversations.turns(conversation_id)
    if turns is None:
        raise NotFound(
            "There is no such conversation, or a day went by since its last turn. Leave `conversation_id` out to begin "
            "one."
        )
    return turns


async def _stream(
    request: Ask, asked: QuestionTask, sources: Sources, answering: Answering, conversations: Conversations
) -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent("retrieved", {"passages": [shown(source) for source in sources.items[: request.limit]]})
    spoken, reply = False, None
    async with aclosing(answering.stream(asked, sources)) as events:
        async for event in events:
            if isinstance(event, Token):
                spoken = True
                yield ServerSentEvent("token", {"text": event.text})
            else:
                reply = event
    assert reply is not None
    answer = await _answer(request, asked, reply, conversations)
    for token in [] if spoken else in_words(answer.answer):
        yield ServerSentEvent("token", {"text": token})
    for citation in answer.citations:
        yield ServerSentEvent("citation", citation)
    yield ServerSentEvent("usage", answer.usage)
    yield ServerSentEvent("done", answer)


async def _answer(request: Ask, asked: QuestionTask, reply: AnswerResult, conversations: Conversations) -> Answer:
    conversation_id, degraded = await _kept(request, reply, conversations), reply.degraded
    return Answer(
        request_id=asked.payer.request_id,
        answered=reply.answered,
        answer=reply.text,
        citations=reply.citations,
        conversation_id=conversation_id,
        usage=reply.usage,
        execution=reply.execution,
        degraded=degraded if conversation_id else (*degraded, "conversation"),
    )


async def _kept(request: Ask, reply: AnswerResult, conversations: Conversations) -> str | None:
    """The conversation that now has this turn; None where it could not be kept."""
    documents = tuple(dict.fromkeys(citation.document_id for citation in reply.citations))
    turn = Turn(request.question, reply.answered, reply.text, reply.citations, reply.classification, now(), documents)
    try:
        conversation_id = request.conversation_id or await conversations.begin(request.question)
        return conversation_id if await conversations.add(conversation_id, turn) else None
    except StoreUnavailable:
        return None
