"""Retrieves the passages that may answer a question, by vectors and by words."""

from itertools import islice
from typing import Literal

from msgspec import Struct

from shared.embedding.port import Embedding
from shared.embedding.sparse import SparseEncoder
from shared.language.detect import possible
from shared.language.identifiers import with_other_forms
from shared.types.deadlines import answered_within
from shared.types.errors import StoreUnavailable
from shared.types.passage import Found
from shared.vectors.port import Dense, Query, Vectors

Mode = Literal["hybrid", "vector", "graph"]

UNKNOWN_LANGUAGE_WEIGHT = 0.5
"""How much meaning counts beside words where the model does not know the question's language. An English model still
helps on XQuAD in German (nDCG@10 0.951, words alone 0.944): names and numbers look alike everywhere."""

EMBEDDING_S = 10.0
"""How long a question waits for its vector; without it words alone find."""

_MOST = 1000
"""Passages looked through for texts that differ."""


class Retrieved(Struct, frozen=True):
    """Passages, best first. `degraded` names what was missing or not used: `vectors` (by words alone), `graph`."""

    found: tuple[Found, ...]
    embedded_tokens: int = 0
    degraded: tuple[str, ...] = ()


class _Meaning(Struct, frozen=True):
    dense: Dense | None
    tokens: int


async def retrieve(
    question: str,
    mode: Mode,
    limit: int,
    document_ids: tuple[str, ...] | None,
    embedding: Embedding,
    encoder: SparseEncoder,
    vectors: Vectors,
) -> Retrieved:
    """Finds at most `limit` passages with different texts. `graph` searches as `hybrid` does and is listed as degraded.

    Raises `StoreUnavailable` when the index is unavailable; without the embedding it searches by words alone.
    """
    degraded = ("graph",) if mode == "graph" else ()
    if not question.strip() or limit < 1 or document_ids == ():
        return Retrieved((), degraded=degraded)
    languages = possible(question)
    meaning = await _meaning(question, embedding)
    by_words = mode != "vector" or meaning.dense is None
    query = Query(
        limit=limit,
        dense=meaning.dense,
        sparse=encoder.question(with_other_forms(question), *languages) if by_words else None,
        dense_weight=1.0 if languages[0] in embedding.languages else UNKNOWN_LANGUAGE_WEIGHT,
        document_ids=document_ids,
    )
    missing = ("vectors",) if meaning.dense is None else ()
    return Retrieved(await _distinct(vectors, query), meaning.tokens, (*missing, *degraded))


async def _meaning(question: str, embedding: Embedding) -> _Meaning:
    try:
        async with answered_within(EMBEDDING_S, "embedding"):
            embedded = await embedding.embed([question], "question")
    except StoreUnavailable:
        return _Meaning(None, 0)
    return _Meaning(embedded.vectors[0], embedded.tokens)


async def _distinct(vectors: Vectors, query: Query) -> tuple[Found, ...]:
    """Finds the best passages with each text once; fetches more while repeated texts take places."""
    size = 2 * query.limit
    while True:
        found = await vectors.find(
            Query(size, query.dense, query.sparse, query.dense_weight, query.document_ids),
        )
        by_text: dict[str, Found] = {}
        for hit in found:
            by_text.setdefault(" ".join(hit.passage.text.split()), hit)
        if len(by_text) >= query.limit or len(found) < size or size >= _MOST:
            return tuple(islice(by_text.values(), query.limit))
        size *= 4
