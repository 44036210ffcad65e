"""A passage as a Qdrant point: its id, its payload, and the names in the collection."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import msgspec

from shared.types.passage import Passage

DENSE, WORDS = "dense", "words"
"""The named vectors: meaning (cosine) and words (sparse, with the IDF modifier)."""

TENANT, DOCUMENT, GENERATION = "tenant", "document_id", "epoch"
KEYWORDS = (TENANT, DOCUMENT)
"""Payload keys with an index."""

_POINTS = UUID("6f7a2f5c-0f0e-5b0a-9a52-3f2f7a2b6c11")


def point_id(tenant_id: str, passage_id: str) -> UUID:
    """Returns the same id for the same passage of the same tenant, so that adding again replaces."""
    return uuid5(_POINTS, f"{tenant_id}\n{passage_id}")


def payload(tenant_id: str, passage: Passage) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(passage)
    return {**fields, TENANT: tenant_id}


def passage(payload: Mapping[str, Any]) -> Passage:
    return msgspec.convert(payload, Passage)


def bits(identity: UUID | int | str) -> int:
    """Returns a point's id as a number, which is compared and hashed far faster than a UUID."""
    return identity.int if isinstance(identity, UUID) else UUID(str(identity)).int
