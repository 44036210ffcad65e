"""How rows of the graph are packed into single values, the same in every backend."""

from collections.abc import Sequence

import msgspec

from shared.graph.changes import EntityRow, RelationRow
from shared.graph.port import LinkedPassage, Merge, NamedSentence, PassageGraph

NO_SENTENCES = b"\x90"

_encode = msgspec.msgpack.Encoder().encode
_decode_passage = msgspec.msgpack.Decoder(PassageGraph).decode
_decode_sentences = msgspec.msgpack.Decoder(list[tuple[int, int, list[int], bytes]]).decode
_decode_counts = msgspec.json.Decoder(dict[str, int]).decode
_decode_support = msgspec.json.Decoder(dict[str, tuple[float, str]]).decode

pack_merge = _encode
unpack_merge = msgspec.msgpack.Decoder(Merge).decode


def pack(passage: PassageGraph) -> tuple[bytes, bytes]:
    """The passage and, apart from it, its sentences with their vectors."""
    bare = tuple(msgspec.structs.replace(sentence, vector=b"") for sentence in passage.sentences)
    return _encode(msgspec.structs.replace(passage, sentences=bare)), _encode(passage.sentences)


def unpack(content: bytes, sentences: bytes = NO_SENTENCES) -> PassageGraph:
    """The passage as it was written; without `sentences` theirs have no vectors."""
    passage = _decode_passage(content)
    vectors = [row[3] for row in _decode_sentences(sentences)]
    if not vectors:
        return passage
    whole = tuple(
        msgspec.structs.replace(sentence, vector=vector)
        for sentence, vector in zip(passage.sentences, vectors, strict=True)
    )
    return msgspec.structs.replace(passage, sentences=whole)


def linked(
    passage_id: str, document_id: str, position: int, names: Sequence[str], counts: Sequence[int], sentences: bytes
) -> LinkedPassage:
    """A passage whose mentions have these entities and counts."""
    total: dict[str, int] = {}
    for name, count in zip(names, counts, strict=True):
        total[name] = total.get(name, 0) + count
    return LinkedPassage(
        passage_id,
        document_id,
        position,
        tuple(sorted(total.items())),
        tuple(
            NamedSentence(start, end, tuple(sorted({names[index] for index in mentions})), vector)
            for start, end, mentions, vector in _decode_sentences(sentences)
        ),
    )


def pack_counts(counts: dict[str, int]) -> str:
    return msgspec.json.encode(counts).decode()


def pack_support(row: RelationRow) -> str:
    return msgspec.json.encode(row.support).decode()


def entity_row(
    entity_id: str,
    key: str,
    canonical: str,
    mentions: int,
    passages: int,
    documents: int,
    created_at: str,
    names: str,
    types: str,
) -> EntityRow:
    counted = mentions, passages, documents
    return EntityRow(entity_id, key, canonical, *counted, created_at, _decode_counts(names), _decode_counts(types))


def relation_row(
    relation_id: str,
    source_id: str,
    kind: str,
    target_id: str,
    valid_from: str | None,
    valid_to: str | None,
    support: str,
) -> RelationRow:
    return RelationRow(relation_id, source_id, kind, target_id, valid_from, valid_to, _decode_support(support))
