"""A search of the tenant's passages, metered and recorded as what it is: a question without an answer."""

from msgspec import Struct

from shared.retrieval.retrieve import Mode
from shared.retrieval.sources import Library, SearchHit, paths_of, search_hit
from shared.types.charges import whole_bill
from shared.types.payer import Payer
from shared.types.usage import Usage
from shared.usage.metering import Meter


class SearchAnswer(Struct, frozen=True):
    """Found passages, best first. `degraded` names what the search went without: `vectors`, `graph`."""

    passages: list[SearchHit]
    usage: Usage
    degraded: tuple[str, ...]


async def search(
    library: Library,
    meter: Meter,
    payer: Payer,
    query: str,
    mode: Mode,
    limit: int,
    document_ids: tuple[str, ...] | None,
) -> SearchAnswer:
    """Raises `StoreUnavailable`."""
    sources = await library.sources(query, mode, limit, document_ids)
    found = [(source.found.passage.passage_id, source.found.score) for source in sources.items]
    question = await meter.question(payer, sources.embedded_tokens)
    await question.record("search", found, paths_of(sources.items))
    return SearchAnswer(
        passages=[search_hit(source) for source in sources.items],
        usage=whole_bill(Usage(embedded_tokens=sources.embedded_tokens)),
        degraded=sources.degraded,
    )
