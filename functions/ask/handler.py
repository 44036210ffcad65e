"""Answers a question from the tenant's documents; every citation is checked against its passage before it leaves."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from functions.ask.messages import Answer, Ask
from shared.answers.answering import Answering, AnswerResult, QuestionTask
from shared.answers.prompting import PromptTurn
from shared.conversations.conversations import Conversations, History, Turn
from shared.retrieval.sources import Library, Sources, search_hit
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
    task = await _task(request, time.monotonic(), answering.library, conversations, payer, call)
    sources = await answering.sources(task)
    if request.stream:
        return EventStream(_events(request, task, sources, answering, conversations))
    result = await answering.answer(task, sources)
    return await _answer(request, result, conversations, task)


async def _task(
    request: Ask, started_s: float, library: Library, conversations: Conversations, payer: Payer, call: Call
) -> QuestionTask:
    """Builds the task. Raises `NotFound` for a conversation that is not the caller's, `InvalidRequest`."""
    if request.as_of is not None:
        moment(request.as_of, "as_of")
    history = await _history(request.conversation_id, conversations) if request.conversation_id else History(())
    turns = await _usable(history.turns, library)
    is_whole = len(turns) == len(history.turns) and not history.is_shortened
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
        turns=turns,
        degraded=() if is_whole else ("conversation",),
        on_remaining=call.on_remaining,
        started_s=started_s,
    )


async def _history(conversation_id: str, conversations: Conversations) -> History:
    history = await conversations.history(conversation_id)
    if history is None:
        raise NotFound(
            "There is no such conversation, or a day went by since its last turn. Leave `conversation_id` out to begin "
            "one."
        )
    return history


async def _usable(turns: Sequence[Turn], library: Library) -> tuple[PromptTurn, ...]:
    """The turns with the classes that they have now, without those that quote a deleted document."""
    classes = await library.present_classes([turn.made_from for turn in turns])
    return tuple(
        PromptTurn(turn.question, turn.answer, classification, turn.made_from)
        for turn, classification in zip(turns, classes, strict=True)
        if classification
    )


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
    answer = await _answer(request, result, conversations, task)
    yield ServerSentEvent("usage", answer.usage)
    yield ServerSentEvent("done", answer)


async def _answer(request: Ask, result: AnswerResult, conversations: Conversations, task: QuestionTask) -> Answer:
    conversation_id = await _add_turn(request, result, conversations, task.started_s)
    return Answer(
        request_id=task.payer.request_id,
        answered=result.answered,
        answer=result.text,
        citations=result.citations,
        conversation_id=conversation_id,
        usage=result.usage,
        execution=result.execution,
        degraded=tuple(dict.fromkeys(result.degraded if conversation_id else (*result.degraded, "conversation"))),
    )


async def _add_turn(request: Ask, result: AnswerResult, conversations: Conversations, started_s: float) -> str | None:
    """The id of the conversation that now holds this turn; None where it could not be stored, or quotes a document
    that was deleted while the answer was made."""
    documents = tuple(dict.fromkeys(citation.document_id for citation in result.citations))
    turn = Turn(
        question=request.question,
        answered=result.answered,
        answer=result.text,
        citations=result.citations,
        classification=result.classification,
        at=now(),
        document_ids=documents,
        provenance=result.provenance,
    )
    try:
        conversation_id = request.conversation_id or await conversations.begin(request.question)
        if await conversations.add(conversation_id, turn, time.monotonic() - started_s):
            return conversation_id
        if not request.conversation_id:
            await conversations.delete(conversation_id)
        return None
    except StoreUnavailable:
        return None
