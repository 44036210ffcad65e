"""Lists the tenant's entities, newest first; with `q` those with a name that holds it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta

from functions.graph.views import EntityView
from shared.graph.port import Graph
from shared.types.http import Paged
from shared.types.paging import PageRequest, microseconds, read_cursor, write_cursor

_FIRST_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)


class ListEntities(PageRequest, frozen=True):
    q: Annotated[str, Meta(max_length=500)] = ""


class Entities(Paged, frozen=True, kw_only=True):
    items: list[EntityView]


async def handle(request: ListEntities, graph: Graph) -> Entities:
    after = read_cursor(request.cursor) if request.cursor else None
    found = await graph.list_entities(request.q, request.limit + 1, (_time(after[0]), after[1]) if after else None)
    page, cursor = found[: request.limit], None
    if len(found) > request.limit:
        cursor = write_cursor(microseconds(datetime.fromisoformat(page[-1].created_at)), page[-1].entity_id)
    return Entities(items=[EntityView.of(entity) for entity in page], next_cursor=cursor)


def _time(of_cursor: int) -> str:
    """As the graph writes it."""
    return (_FIRST_MOMENT + timedelta(microseconds=of_cursor)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
