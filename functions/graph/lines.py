"""The JSON lines of an exported graph: what passages name and state, and which names were merged.

Entities and relations are not lines of their own: they follow from the passages, in the other graph as in this one.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from shared.graph.changes import Links
from shared.graph.port import DocumentGraph, Mention, Merge, PassageGraph, Sentence, StatedRelation
from shared.runtime.http.requests import explained
from shared.types.errors import InvalidRequest

MEDIA_TYPE = "application/x-ndjson"
MEDIA_TYPES = (MEDIA_TYPE, "application/jsonl", "application/ndjson", "application/json")
_LONGEST_LINE = 1 << 20
_PART = 128
"""Passages that are recorded and written together."""

_Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,100}\Z")]
_Name = Annotated[str, Meta(pattern=r"\S", max_length=500)]
_Count = Annotated[int, Meta(ge=1, le=1_000_000)]
_Position = Annotated[int, Meta(ge=0, le=1_000_000_000)]
_Generation = Annotated[int, Meta(ge=1, le=1_000_000)]


class MentionLine(Struct, frozen=True, forbid_unknown_fields=True):
    name: _Name
    type: Annotated[str, Meta(max_length=100)] = "other"
    count: _Count = 1


class SentenceLine(Struct, frozen=True, forbid_unknown_fields=True):
    start: _Position
    end: _Position
    mentions: Annotated[tuple[_Position, ...], Meta(max_length=1000)]
    vector: Annotated[bytes, Meta(max_length=8192)] = b""


class RelationLine(Struct, frozen=True, forbid_unknown_fields=True):
    source: _Position
    type: _Name
    target: _Position
    weight: Annotated[float, Meta(gt=0, le=1000)] = 1.0
    valid_from: str | None = None
    valid_to: str | None = None


class PassageLine(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="passage"):
    passage_id: _Id
    document_id: _Id
    generation: _Generation
    position: _Position
    recorded_at: str = ""
    mentions: Annotated[tuple[MentionLine, ...], Meta(max_length=5000)] = ()
    sentences: Annotated[tuple[SentenceLine, ...], Meta(max_length=5000)] = ()
    relations: Annotated[tuple[RelationLine, ...], Meta(max_length=5000)] = ()

    @classmethod
    def of(cls, passage: PassageGraph) -> "PassageLine":
        return cls(
            passage.passage_id,
            passage.document_id,
            passage.generation,
            passage.position,
            passage.recorded_at,
            tuple(MentionLine(one.name, one.type, one.count) for one in passage.mentions),
            tuple(SentenceLine(one.start, one.end, one.mentions, one.vector) for one in passage.sentences),
            tuple(
                RelationLine(one.source, one.type, one.target, one.weight, one.valid_from, one.valid_to)
                for one in passage.statements
            ),
        )

    def passage(self) -> PassageGraph:
        return PassageGraph(
            self.passage_id,
            self.document_id,
            self.generation,
            self.position,
            tuple(Mention(one.name, one.type, one.count) for one in self.mentions),
            tuple(Sentence(one.start, one.end, one.mentions, one.vector) for one in self.sentences),
            tuple(
                StatedRelation(one.source, one.type, one.target, one.weight, one.valid_from, one.valid_to)
                for one in self.relations
            ),
            self.recorded_at,
        )


class MergeLine(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="merge"):
    name: _Name
    other: _Name
    reason: Annotated[str, Meta(max_length=100)] = "manual"
    document_id: _Id | None = None
    generation: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    recorded_at: str = ""

    @classmethod
    def of(cls, merge: Merge) -> "MergeLine":
        document_id = merge.document_id or None
        return cls(merge.name, merge.other, merge.reason, document_id, merge.generation, merge.recorded_at)

    def merge(self) -> Merge:
        of_document = self.document_id or "", self.generation
        return Merge(self.name, self.other, self.reason, *of_document, self.recorded_at)


class GraphPart(Struct, frozen=True):
    """Lines that follow each other and are of one generation of one document; of merges without one, that is empty."""

    document_id: str
    generation: int
    graph: DocumentGraph

    @property
    def lines(self) -> int:
        return len(self.graph.passages) + len(self.graph.merges)


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(PassageLine | MergeLine).decode


def encode_lines(part: Sequence[PassageGraph] | Sequence[Merge]) -> bytes:
    lines = [PassageLine.of(one) if isinstance(one, PassageGraph) else MergeLine.of(one) for one in part]
    return b"".join(_encode(line) + b"\n" for line in lines)


def read_parts(path: Path) -> Iterator[GraphPart]:
    """The parts of a file. Raises `InvalidRequest`, which names the line that is wrong."""
    for of, same in groupby(_lines(path), key=lambda one: (one.document_id, one.generation)):
        while some := list(islice(same, _PART)):
            passages = tuple(one for one in some if isinstance(one, PassageGraph))
            merges = tuple(one for one in some if isinstance(one, Merge))
            yield GraphPart(*of, DocumentGraph(passages, merges))


def _lines(path: Path) -> Iterator[PassageGraph | Merge]:
    with path.open("rb") as file:
        number = 0
        while text := file.readline(_LONGEST_LINE + 1):
            number += 1
            if text.strip():
                yield _line(text, number)


def _line(text: bytes, number: int) -> PassageGraph | Merge:
    if len(text) > _LONGEST_LINE:
        raise InvalidRequest.at(f"/{number}", f"line {number} is longer than {_LONGEST_LINE} bytes")
    try:
        line: PassageLine | MergeLine = _decode(text)
        if isinstance(line, PassageLine):
            passage = line.passage()
            Links.of("", passage)  # what the graph cannot write: an index of no mention, a date that is none
            return passage
        if line.document_id and not line.generation:
            raise ValueError("a merge of a document names its generation")
        return line.merge()
    except msgspec.ValidationError as error:
        raise explained(error, f"/{number}") from None
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise InvalidRequest.at(f"/{number}", f"line {number}: {error}") from None
