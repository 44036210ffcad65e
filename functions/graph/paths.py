"""Finds paths between two entities, over relations and over passages that name both ends of a step, best first."""

from typing import Annotated

from msgspec import Meta, Struct, field

from functions.graph.views import EntityReference, RelationView, references
from shared.graph.paths import EntityPath, find_paths
from shared.graph.port import Graph
from shared.types.errors import InvalidRequest, NotFound
from shared.types.moment import moment

_End = Annotated[str, Meta(min_length=1, max_length=500)]
_SCORE_DECIMALS = 6


class FindPaths(Struct, frozen=True):
    """`from` and `to` are ids or names of entities."""

    source: _End = field(name="from")
    target: _End = field(name="to")
    max_hops: Annotated[int, Meta(ge=1, le=5)] = 3
    limit: Annotated[int, Meta(ge=1, le=50)] = 5
    as_of: str | None = None


class PathView(Struct, frozen=True):
    """The relation of each step; one of the type `mentioned_with` stands for passages that name both entities."""

    score: float
    entities: list[EntityReference]
    relations: list[RelationView]


class Paths(Struct, frozen=True):
    paths: list[PathView]


ERRORS = (NotFound,)


async def handle(request: FindPaths, graph: Graph) -> Paths:
    as_of = moment(request.as_of, "as_of").isoformat() if request.as_of else None
    source, target = await _entity(graph, request.source, "from"), await _entity(graph, request.target, "to")
    paths = await find_paths(graph, source, target, max_hops=request.max_hops, limit=request.limit, as_of=as_of)
    relations = [relation for path in paths for relation in path.relations]
    entities = await references(graph, relations, source, target)
    return Paths([_view(path, entities) for path in paths if entities.keys() >= set(path.entities)])


async def _entity(graph: Graph, named: str, parameter: str) -> str:
    """Raises `NotFound`."""
    if not named.strip():
        raise InvalidRequest.at(f"/{parameter}", f"`{parameter}` is blank")
    if found := await graph.entities([named]):
        return found[0].entity_id
    if identity := (await graph.find([named])).get(named):
        return identity
    raise NotFound(f"There is no entity for `{parameter}`.")


def _view(path: EntityPath, entities: dict[str, EntityReference]) -> PathView:
    relations = [RelationView.of(relation, entities) for relation in path.relations]
    return PathView(round(path.score, _SCORE_DECIMALS), [entities[one] for one in path.entities], relations)
