"""Answers a question from the tenant's documents; every citation is checked against its passage before it leaves."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing

from functions.ask.messages import Answer, Ask
from shared.answers.answering import Answering, AnswerResult, QuestionTask
from shared.answers.prompting import PromptTurn
from shared.conversations.conversations import Conversations, Turn
from shared.retrieval.sources import Sources, search_hit
from shared.types.call import Call
from shared.types.clock import now
from shared.types.errors import NotFound, StoreUnavailable
from shared.types.http import EventStream, ServerSentEvent
from shared.types.moment import moment
from shared.types.money import microusd
from shared.types.payer import Payer

ERRORS = (NotFound,)


async def handle(
    request: Ask, answering: Answering, conversations: Conversations, payer: Payer, call: Call
) -> Answer | EventStream:
    task = await _task(request, time.monotonic(), conversations, payer, call)
    sources = await answering.sources(task)
    if request.stream:
        return EventStream(_events(request, task, sources, answering, conversations))
    result = await answering.answer(task, sources)
    return await _answer(request, result, conversations, payer)


async def _task(request: Ask, started_s: float, conversations: Conversations, payer: Payer, call: Call) -> QuestionTask:
    """Builds the task. Raises `NotFound` for a conversation that is not the caller's, `InvalidRequest`."""
    if request.as_of is not None:
        moment(request.as_of, "as_of")
    turns = await _turns(request.conversation_id, conversations) if request.conversation_id else []
    return QuestionTask(
        question=request.question,
        payer=payer,
        mode=request.mode,
        limit=request.limit,
        quality=request.quality,
        max_latency_ms=request.max_latency_ms,
        max_cost_microusd=None if request.max_cost_usd is None else microusd(request.max_cost_usd, "/max_cost_usd"),
        classification=request.classification or "internal",
        document_ids=request.document_ids,
        turns=tuple(PromptTurn(turn.question, turn.answer, turn.classification) for turn in turns),
        on_remaining=call.on_remaining,
        started_s=started_s,
    )


async def _turns(conversation_id: str, conversations: Conversations) -> list[Turn]:
    turns = await conversations.turns(conversation_id)
    if turns is None:
        raise NotFound(
            "There is no such conversation, or a day went by since its last turn. Leave `conversation_id` out to begin "
            "one."
        )
    return turns


async def _events(
    request: Ask, task: QuestionTask, sources: Sources, answering: Answering, conversations: Conversations
) -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent("retrieved", {"passages": [search_hit(source) for source in sources.items[: request.limit]]})
    result = None
    async with aclosing(answering.stream(task, sources)) as events:
        async for event in events:
            if isinstance(event, AnswerResult):
                result = event
                continue
            yield ServerSentEvent("token", {"text": event.text})
            if event.citation:
                yield ServerSentEvent("citation", event.citation)
    assert result is not None
    answer = await _answer(request, result, conversations, task.payer)
    yield ServerSentEvent("usage", answer.usage)
    yield ServerSentEvent("done", answer)


async def _answer(request: Ask, result: AnswerResult, conversations: Conversations, payer: Payer) -> Answer:
    conversation_id = await _add_turn(request, result, conversations)
    return Answer(
        request_id=payer.request_id,
        answered=result.answered,
        answer=result.text,
        citations=result.citations,
        conversation_id=conversation_id,
        usage=result.usage,
        execution=result.execution,
        degraded=result.degraded if conversation_id else (*result.degraded, "conversation"),
    )


async def _add_turn(request: Ask, result: AnswerResult, conversations: Conversations) -> str | None:
    """The id of the conversation that now holds this turn; None where it could not be stored."""
    documents = tuple(dict.fromkeys(citation.document_id for citation in result.citations))
    turn = Turn(
        request.question, result.answered, result.text, result.citations, result.classification, now(), documents
    )
    try:
        conversation_id = request.conversation_id or await conversations.begin(request.question)
        return conversation_id if await conversations.add(conversation_id, turn) else None
    except StoreUnavailable:
        return None
