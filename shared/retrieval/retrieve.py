"""Retrieves the passages that may answer a question, by vectors and by words."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Literal

import msgspec
from msgspec import Struct

from shared.embedding.port import Embedding
from shared.embedding.sparse import SparseEncoder
from shared.graph.port import Graph
from shared.language.detect import possible
from shared.language.identifiers import with_other_forms
from shared.language.wordlists import read_words
from shared.retrieval.graph_search import STARTS, named_entities, rank_by_graph
from shared.types.deadlines import answered_within
from shared.types.errors import StoreUnavailable
from shared.types.passage import Found, Passage
from shared.vectors.fusion import by_place
from shared.vectors.port import Dense, Query, Vectors

Mode = Literal["hybrid", "vector", "graph"]

PassagePaths = dict[str, tuple[str, ...]]

LEADING: dict[Mode, int] = {"graph": 1, "hybrid": 2}
"""Passages that keep their first places: where one passage answers, meaning and words find it best."""

_ASKING = read_words("shared.language", "asking")

UNKNOWN_LANGUAGE_WEIGHT = 0.5
"""How much meaning counts beside words where the model does not know the question's language. An English model still
helps on XQuAD in German (nDCG@10 0.951, words alone 0.944): names and numbers look alike everywhere."""

EMBEDDING_S = 10.0
"""How long a question waits for its vector; without it words alone find."""

_MOST = 1000
"""Passages looked through for texts that differ."""


class Retrieved(Struct, frozen=True):
    """Passages, best first. `degraded` names what was missing: `vectors` (by words alone), `graph`. `paths` are by
    passage the ids of the entities over which the graph reached it."""

    found: tuple[Found, ...]
    embedded_tokens: int = 0
    degraded: tuple[str, ...] = ()
    paths: PassagePaths = {}


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
    graph: Graph | None = None,
) -> Retrieved:
    """Finds at most `limit` passages with different texts. `graph` follows the entities that the question names, and so
    does `hybrid` behind its first passages for a question in a language that the model knows; where no entity is known,
    or without a graph, they find what meaning and words find.

    Raises `StoreUnavailable` when the index is unavailable; without the embedding it searches by words alone.
    """
    if not question.strip() or limit < 1 or document_ids == ():
        return Retrieved(())
    meaning = await _meaning(question, embedding)
    query = _query(question, mode, limit, document_ids, meaning, embedding, encoder)
    missing = ("vectors",) if meaning.dense is None else ()
    follows = mode == "graph" or (mode == "hybrid" and _is_question(question) and query.dense_weight == 1.0)
    if follows and graph is not None:
        try:
            found, paths = await _over_graph(question, mode, query, vectors, graph)
            return Retrieved(found, meaning.tokens, missing, paths)
        except StoreUnavailable as error:
            if error.store != "graph":
                raise
            missing = (*missing, "graph")
    elif mode == "graph":
        missing = (*missing, "graph")
    return Retrieved(await _distinct(vectors, query), meaning.tokens, missing)


def _query(
    question: str,
    mode: Mode,
    limit: int,
    document_ids: tuple[str, ...] | None,
    meaning: "_Meaning",
    embedding: Embedding,
    encoder: SparseEncoder,
) -> Query:
    languages = possible(question)
    by_words = mode != "vector" or meaning.dense is None
    return Query(
        limit=limit,
        dense=meaning.dense,
        sparse=encoder.question(with_other_forms(question), *languages) if by_words else None,
        dense_weight=1.0 if languages[0] in embedding.languages else UNKNOWN_LANGUAGE_WEIGHT,
        document_ids=document_ids,
    )


async def _over_graph(
    question: str, mode: Mode, query: Query, vectors: Vectors, graph: Graph
) -> tuple[tuple[Found, ...], PassagePaths]:
    """What meaning, words and the graph find, where the question names known entities, else what meaning and words
    find. Raises `StoreUnavailable`."""
    first = await named_entities(question, graph)
    if not first:
        return await _distinct(vectors, query), {}
    starts = await vectors.find(msgspec.structs.replace(query, limit=max(STARTS, query.limit)))
    ranking = await rank_by_graph(first, query.dense, starts, graph, query.document_ids)
    leading = starts[: LEADING[mode]]
    best = sorted(ranking.scores, key=lambda one: (-ranking.scores[one], one))
    known = {one.passage.passage_id: one.passage for one in starts}
    found: tuple[Found, ...] = ()
    for size in range(2 * query.limit, len(best) + 2 * query.limit, 2 * query.limit):
        some = best[size - 2 * query.limit : size]
        known |= {one.passage_id: one for one in await _read(vectors, [one for one in some if one not in known])}
        ordered = by_place(Found(known[one], ranking.scores[one]) for one in best[:size] if one in known)
        found = _each_text_once(_led(leading, ordered), query.limit)
        if len(found) == query.limit:
            break
    return found, ranking.paths


async def _read(vectors: Vectors, passage_ids: Sequence[str]) -> list[Passage]:
    return await vectors.passages(passage_ids) if passage_ids else []


def _led(leading: Sequence[Found], ordered: Sequence[Found]) -> list[Found]:
    """The leading passages before the others, whose scores are at most theirs."""
    ids = {one.passage.passage_id for one in leading}
    most = leading[-1].score if leading else 1.0
    others = [Found(one.passage, min(one.score, most)) for one in ordered if one.passage.passage_id not in ids]
    return [*leading, *others]


def _is_question(text: str) -> bool:
    """A statement is looked up, not followed from one entity to another."""
    return "?" in text or (text.split(maxsplit=1)[0].lower() in _ASKING)


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
        distinct = _each_text_once(found, query.limit)
        if len(distinct) == query.limit or len(found) < size or size >= _MOST:
            return distinct
        size *= 4


def _each_text_once(found: Iterable[Found], limit: int) -> tuple[Found, ...]:
    by_text: dict[str, Found] = {}
    for hit in found:
        by_text.setdefault(" ".join(hit.passage.text.split()), hit)
    return tuple(islice(by_text.values(), limit))
