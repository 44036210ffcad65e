"""Points as a document's blobs hold them, from which an index is rebuilt without a model."""

from array import array

from msgspec import Struct

from shared.types.passage import Passage
from shared.types.sparse import Sparse
from shared.vectors.port import Point


class StoredPoint(Struct, frozen=True):
    """`dense` is 32-bit floats, little-endian."""

    passage: Passage
    dense: bytes
    sparse: Sparse

    def point(self) -> Point:
        numbers = array("f")
        numbers.frombytes(self.dense)
        return Point(self.passage, tuple(numbers), self.sparse)
