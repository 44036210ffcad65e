"""Answers a question from the tenant's documents; every citation is checked against its passage before it leaves."""

from collections.abc import AsyncIterator

from functions.ask.messages import Answer, Ask, Execution
from shared.answers.citations import compose, verify
from shared.answers.extractive import ExtractiveAnswerer
from shared.catalogue.catalogue import Catalogue
from shared.embedding.port import Embedding
from shared.embedding.sparse import SparseEncoder
from shared.retrieval.sources import Library, Sources, shown
from shared.runtime.needs import Call
from shared.types.http import EventStream, ServerSentEvent
from shared.types.usage import Usage
from shared.vectors.port import Vectors

_READ = 24
"""Passages that the answerer reads, however few are wished for: a refusal needs to have looked around."""


async def handle(
    request: Ask,
    embedding: Embedding,
    encoder: SparseEncoder,
    vectors: Vectors,
    catalogue: Catalogue,
    answerer: ExtractiveAnswerer,
    call: Call,
) -> Answer | EventStream:
    library = Library(embedding, encoder, vectors, catalogue)
    sources = await library.sources(request.question, request.mode, max(_READ, request.limit), request.document_ids)
    if request.stream:
        return EventStream(_stream(request, sources, answerer, call))
    return await _answer(request, sources, answerer, call)


async def _stream(
    request: Ask, sources: Sources, answerer: ExtractiveAnswerer, call: Call
) -> AsyncIterator[ServerSentEvent]:
    passages = [shown(source) for source in sources.items[: request.limit]]
    yield ServerSentEvent("retrieved", {"passages": passages})
    answer = await _answer(request, sources, answerer, call)
    for token in _tokens(answer.answer):
        yield ServerSentEvent("token", {"text": token})
    for citation in answer.citations:
        yield ServerSentEvent("citation", citation)
    yield ServerSentEvent("usage", answer.usage)
    yield ServerSentEvent("done", answer)


async def _answer(request: Ask, sources: Sources, answerer: ExtractiveAnswerer, call: Call) -> Answer:
    found = [source.found for source in sources.items]
    extracted = await answerer.answer(request.question, found)
    titles = {source.found.passage.document_id: source.title for source in sources.items}
    text, citations = compose(extracted, titles)
    checked = verify(text, citations, {one.passage.passage_id: one.passage for one in found})
    degraded = (*sources.degraded, *(("conversation",) if request.conversation_id else ()))
    return Answer(
        request_id=call.request_id,
        answered=checked.answered,
        answer=checked.text,
        citations=checked.citations,
        conversation_id=request.conversation_id,
        usage=Usage(embedded_tokens=sources.embedded_tokens),
        execution=Execution("extractive", "extractive", "hybrid", "no_model"),
        degraded=degraded,
    )


def _tokens(text: str) -> list[str]:
    """Word by word, spaces kept, so that the pieces joined are the answer."""
    words = text.split(" ")
    return [word + " " for word in words[:-1]] + [words[-1]] if text else []
