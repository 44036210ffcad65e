"""Finds the tenant's passages by meaning and by words."""

from typing import Annotated

from msgspec import Meta, Struct

from shared.catalogue.catalogue import Catalogue
from shared.embedding.port import Embedding
from shared.embedding.sparse import SparseEncoder
from shared.graph.port import Graph
from shared.retrieval.retrieve import Mode
from shared.retrieval.searching import SearchAnswer, search
from shared.retrieval.sources import Library
from shared.types.moment import moment
from shared.types.payer import Payer
from shared.types.question import QuestionText
from shared.usage.metering import Meter
from shared.vectors.port import Vectors


class Search(Struct, frozen=True):
    """A search. `document_ids` narrows it to these documents; `as_of` is a date or a time."""

    query: QuestionText
    limit: Annotated[int, Meta(ge=1, le=50)] = 8
    mode: Mode = "hybrid"
    document_ids: Annotated[tuple[str, ...], Meta(max_length=1000)] | None = None
    as_of: str | None = None


async def handle(
    request: Search,
    embedding: Embedding,
    encoder: SparseEncoder,
    vectors: Vectors,
    catalogue: Catalogue,
    graph: Graph,
    meter: Meter,
    payer: Payer,
) -> SearchAnswer:
    if request.as_of is not None:
        moment(request.as_of, "as_of")
    library = Library(embedding, encoder, vectors, catalogue, graph)
    return await search(library, meter, payer, request.query, request.mode, request.limit, request.document_ids)
