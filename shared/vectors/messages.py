"""Messages between the embedded index and the process that owns its shard, as MessagePack in frames of
`shared.processes`."""

from array import array
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from shared.types.passage import Found, Passage
from shared.types.sparse import Sparse
from shared.vectors.port import Dense, Point, Query


class Open(Struct, frozen=True, tag=True):
    dimensions: int
    model: str


class PackedPoint(Struct, frozen=True, array_like=True):
    passage: Passage
    dense: bytes
    sparse: Sparse


class Add(Struct, frozen=True, tag=True):
    tenant_id: str
    points: tuple[PackedPoint, ...]


class Find(Struct, frozen=True, tag=True):
    tenant_id: str
    limit: int
    dense: bytes | None
    sparse: Sparse | None
    dense_weight: float
    document_ids: tuple[str, ...] | None


class Read(Struct, frozen=True, tag=True):
    tenant_id: str
    passage_ids: tuple[str, ...]


class Forget(Struct, frozen=True, tag=True):
    tenant_id: str
    document_id: str
    up_to_generation: int


class Count(Struct, frozen=True, tag=True):
    tenant_id: str
    document_id: str | None


class Compact(Struct, frozen=True, tag=True):
    """Asks for a compaction; its answer's `count` is 1 once the one of this token is done."""

    token: str


class Ping(Struct, frozen=True, tag=True):
    pass


class Close(Struct, frozen=True, tag=True):
    pass


Ordered = Add | Forget | Close
"""Calls that keep their order; the others overtake them."""

EngineCall = Open | Add | Find | Read | Forget | Count | Compact | Ping | Close


class Request(Struct, frozen=True, array_like=True):
    number: int
    call: EngineCall


class EngineReply(Struct, frozen=True, array_like=True):
    """`wrong_model` and `failure` are sentences; both None when the call succeeded."""

    number: int
    found: tuple[Found, ...] = ()
    count: int = 0
    failure: str | None = None
    wrong_model: str | None = None


encode = msgspec.msgpack.Encoder().encode


def pack(vector: Dense) -> bytes:
    """As 32-bit floats: what the engine keeps."""
    return array("f", vector).tobytes()


def unpack(packed: bytes) -> list[float]:
    return array("f", packed).tolist()


def packed(points: Sequence[Point]) -> tuple[PackedPoint, ...]:
    return tuple(PackedPoint(point.passage, pack(point.dense), point.sparse) for point in points)


def find(tenant_id: str, query: Query) -> Find:
    dense = None if query.dense is None else pack(query.dense)
    return Find(tenant_id, query.limit, dense, query.sparse, query.dense_weight, query.document_ids)
