"""A token reaches the response's body through few iterators: each one costs every token of every answer."""

import contextlib
import gc
from collections.abc import AsyncIterator, Sequence
from types import AsyncGeneratorType
from typing import Any, cast

from litestar.response import Stream

from functions.ask import handler as ask
from functions.ask.messages import Ask
from functions.chat import passthrough
from functions.chat.chunks import Chunks
from functions.chat.messages import ChatMessage, ChatRequest
from shared.answers.answering import Answering
from shared.answers.extractive import ExtractiveAnswerer
from shared.conversations.answer_classes import AnswerClasses
from shared.conversations.conversations import Conversations
from shared.retrieval.sources import Library, RetrievedSource, Sources
from shared.runtime.http.exchange import Exchange
from shared.runtime.http.responses import response_of
from shared.types.call import Call
from shared.types.document import Classification
from shared.types.http import EventStream
from shared.types.passage import Found, Passage
from shared.types.payer import Payer
from shared.types.provenance import Provenance
from shared.usage.metering import Meter
from tests.ollama import Model
from tests.shared.proxy.execution.environment import LOCAL, TENANT, ProxyEnvironment

MOST_ITERATORS = 8
_PAYER = Payer(TENANT, "key_1", "req_1", "label-1", "ask")
_TEXT = "The observatory opened in 1968 on the ridge above Carrick."


class OnePassage:
    """A library that finds the same passage for every question, and knows of no earlier text."""

    async def present_classes(self, texts: Sequence[Provenance]) -> list[Classification | None]:
        return [text.asked_class for text in texts]

    async def sources(self, *_: object) -> Sources:
        passage = Passage("psg_1", "doc_1", 1, 0, _TEXT)
        return Sources((RetrievedSource(Found(passage, 1.0), "Observatory", "internal"),), 3, ())


def _body(stream: Any) -> AsyncIterator[bytes]:
    assert isinstance(stream, EventStream)
    scope = {"type": "http", "headers": [], "path": "/", "method": "POST", "client": ("127.0.0.1", 1)}
    response = response_of(stream, Exchange(cast(Any, scope), ()), [])
    assert isinstance(response, Stream)
    return cast(AsyncIterator[bytes], response.iterator)


def _generators() -> set[int]:
    """Ids of the asynchronous generators that are suspended, those of context managers left out."""
    found = gc.get_objects()
    managers = {id(one.gen) for one in found if isinstance(one, contextlib._AsyncGeneratorContextManager)}
    return {id(one) for one in found if isinstance(one, AsyncGeneratorType) and one.ag_frame} - managers


async def _iterators_at_a_token(body: AsyncIterator[bytes], before: set[int], text: bytes) -> int:
    """The generators that are new while the piece with this text is out, and the iterator at the socket."""
    async for piece in body:
        if text in piece:
            return len(_generators() - before) + 1
    raise AssertionError("no such piece came")


async def test_a_token_of_a_model_passes_at_most_eight_iterators(env: ProxyEnvironment) -> None:
    request = ChatRequest(model=LOCAL, messages=(ChatMessage("user", "Hello?"),), stream=True)
    before = _generators()
    chunks = Chunks("chatcmpl-1", 0, LOCAL, False)
    library, classes = cast(Library, OnePassage()), AnswerClasses(env.redis, TENANT)
    chat = await passthrough.prepare(request, library, classes, _PAYER, Call("chat", TENANT))
    body = _body(await passthrough.stream(chat, env.proxy, chunks))
    depth = await _iterators_at_a_token(body, before, b"from")
    await cast(Any, body).aclose()
    assert 3 < depth <= MOST_ITERATORS


async def test_a_token_of_an_answer_passes_at_most_eight_iterators(env: ProxyEnvironment) -> None:
    answering = Answering(
        cast(Library, OnePassage()),
        cast(ExtractiveAnswerer, None),
        env.proxy,
        Meter(env.journal, env.config.units, lambda: env.budget),
    )
    conversations = Conversations(env.redis, TENANT, "key_1")
    env.local.models[LOCAL] = Model(LOCAL, answer=lambda asked: f"{_TEXT} It is closed today.")
    before = _generators()
    request = Ask("When did the observatory open?", stream=True)
    body = _body(await ask.handle(request, answering, conversations, _PAYER, Call("ask", TENANT)))
    depth = await _iterators_at_a_token(body, before, b"event: token")
    await cast(Any, body).aclose()
    assert 3 < depth <= MOST_ITERATORS
