"""Shows an entity and the relations from and to it, heaviest first; with `as_of` those that hold then."""

from msgspec import Struct
from msgspec.structs import asdict

from functions.graph.views import EntityView, RelationView, relation_views
from shared.graph.port import Graph
from shared.types.errors import NotFound
from shared.types.moment import moment

_MOST_RELATIONS = 200


class OneEntity(Struct, frozen=True):
    entity_id: str
    as_of: str | None = None


class EntityWithRelations(EntityView, frozen=True):
    relations: list[RelationView]


ERRORS = (NotFound,)


async def handle(request: OneEntity, graph: Graph) -> EntityWithRelations:
    as_of = moment(request.as_of, "as_of").isoformat() if request.as_of else None
    found = await graph.entities([request.entity_id])
    if not found:
        raise NotFound("There is no such entity.")
    entity = EntityView.of(found[0])
    relations = await graph.relations([entity.entity_id], relations_per_entity=_MOST_RELATIONS, as_of=as_of)
    return EntityWithRelations(**asdict(entity), relations=await relation_views(graph, relations))
