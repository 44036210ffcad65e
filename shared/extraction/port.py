"""The port of an extractor: the entities that a passage names and the relations between them."""

from typing import Literal, Protocol, get_args

from msgspec import Struct

from shared.types.document import Classification
from shared.types.passage import Passage
from shared.types.payer import Payer

EntityType = Literal["person", "organization", "place", "product", "event", "date", "amount", "concept", "other"]
ENTITY_TYPES: tuple[EntityType, ...] = get_args(EntityType)


class Entity(Struct, frozen=True):
    """`name` stands literally in the passage."""

    name: str
    type: EntityType = "other"


class Relation(Struct, frozen=True):
    """`source` and `target` are names of entities of the same passage; `type` is a short verb in the passage's own
    language."""

    source: str
    target: str
    type: str


class Extraction(Struct, frozen=True):
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    cost_microusd: int = 0


class About(Struct, frozen=True):
    """The document of a passage and who pays for reading it. `pages` is 0 where it has none."""

    classification: Classification
    payer: Payer
    pages: int = 0


class Extractor(Protocol):
    async def extract(self, passage: Passage, about: About) -> Extraction:
        """Raises `NoModel` where it needs a language model and none can read the passage."""
        ...
