"""Entities and relations as the API shows them."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from shared.graph.port import Graph, GraphEntity, GraphRelation

MOST_PASSAGES = 100


class EntityView(Struct, frozen=True):
    """`name` is the form that is written most; `aliases` are the others."""

    entity_id: str
    name: str
    type: str
    aliases: tuple[str, ...]
    mentions: int
    documents: int

    @classmethod
    def of(cls, entity: GraphEntity) -> "EntityView":
        counts = entity.mentions, entity.documents
        return cls(entity.entity_id, entity.name, entity.type, entity.aliases, *counts)


class EntityReference(Struct, frozen=True):
    entity_id: str
    name: str
    type: str


class RelationView(Struct, frozen=True):
    """`passages` are those that state it, at most 100; it holds from `valid_from` to before `valid_to`, null where that
    side is open, and was recorded at `recorded_at`, null where passages only name
    both."""

    relation_id: str
    type: str
    source: EntityReference
    target: EntityReference
    weight: float
    valid_from: str | None
    valid_to: str | None
    recorded_at: str | None
    passages: tuple[str, ...]

    @classmethod
    def of(cls, relation: GraphRelation, entities: Mapping[str, EntityReference]) -> "RelationView":
        return cls(
            relation.relation_id,
            relation.type,
            entities[relation.source_id],
            entities[relation.target_id],
            relation.weight,
            relation.valid_from,
            relation.valid_to,
            relation.recorded_at or None,
            relation.passages[:MOST_PASSAGES],
        )


async def references(graph: Graph, relations: Sequence[GraphRelation], *ids: str) -> dict[str, EntityReference]:
    """The entities of the relations, and the given ones, by their ids."""
    wanted = {*ids, *(end for one in relations for end in (one.source_id, one.target_id))}
    found = await graph.entities(sorted(wanted))
    return {one.entity_id: EntityReference(one.entity_id, one.name, one.type) for one in found}


async def relation_views(graph: Graph, relations: Sequence[GraphRelation]) -> list[RelationView]:
    """Without those of which an end was erased meanwhile."""
    entities = await references(graph, relations)
    return [RelationView.of(one, entities) for one in relations if {one.source_id, one.target_id} <= entities.keys()]
