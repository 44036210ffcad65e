"""The cluster backend: a graph in Neo4j, tenant on every node."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import islice

from shared.graph import neo4j_queries as queries
from shared.graph import neo4j_writing as writing
from shared.graph import packed
from shared.graph.changes import EntityRow, RelationRow, combined, entity, heaviest, optional_time
from shared.graph.names import entity_id, normal_form, query_form
from shared.graph.neo4j_driver import READ_S, Neo4jServer, Transaction
from shared.graph.port import (
    Graph,
    GraphEntity,
    GraphIndex,
    GraphRelation,
    Merge,
    Neighbourhood,
    PassageGraph,
    Size,
)

_BATCH = 128
"""Passages in one transaction."""
_NODES = 5_000
"""Nodes of a deleted tenant in one transaction."""
_AFTER_ALL = ("9999", "")
"""The place before the first of a list."""
_PART = 500
"""Passages of an export at a time."""


class Neo4jIndex(GraphIndex):
    def __init__(self, uri: str, user: str, password: str, *, answer_s: float = READ_S) -> None:
        self._server = Neo4jServer(uri, user, password, answer_s=answer_s)

    def of(self, tenant_id: str) -> Graph:
        if not tenant_id:
            raise ValueError("a graph belongs to a tenant; an empty one is none")
        return _TenantGraph(self._server, tenant_id)

    async def prepare(self) -> None:
        await self._server.prepare()

    async def forget_tenant(self, tenant_id: str) -> None:
        for query in queries.REMOVE_TENANT:
            while await self._server.write(tenant_id, lambda at, query=query: _removed(at, query)):  # type: ignore[misc]
                pass

    async def compact(self, token: str) -> bool:
        """The server reuses the room of erased records by itself; it has no call for it."""
        return True

    async def ping(self) -> None:
        await self._server.ping()

    async def close(self) -> None:
        await self._server.close()


async def _removed(at: Transaction, query: str) -> int:
    count: int = (await at.rows(query, limit=_NODES))[0][0]
    return count


class _TenantGraph(Graph):
    def __init__(self, server: Neo4jServer, tenant_id: str) -> None:
        self._server = server
        self._tenant_id = tenant_id

    async def put(self, passages: Sequence[PassageGraph]) -> None:
        latest = list({passage.passage_id: passage for passage in passages}.values())
        for first in range(0, len(latest), _BATCH):
            batch = latest[first : first + _BATCH]
            await self._server.write(self._tenant_id, lambda at, batch=batch: writing.put(self._tenant_id, at, batch))  # type: ignore[misc]

    async def forget(self, document_id: str, up_to_generation: int) -> None:
        tenant, of = self._tenant_id, (document_id, up_to_generation)
        while await self._server.write(tenant, lambda at: writing.forget_some(tenant, at, *of, _BATCH)):
            pass
        await self._server.write(tenant, lambda at: writing.forget_merges(tenant, at, *of))

    async def merge(self, merges: Sequence[Merge]) -> None:
        await self._server.write(self._tenant_id, lambda at: writing.merge(self._tenant_id, at, merges))

    async def split(self, merge: Merge) -> None:
        await self._server.write(self._tenant_id, lambda at: writing.split(self._tenant_id, at, merge))

    async def find(self, names: Sequence[str]) -> dict[str, str]:
        ids = {name: entity_id(self._tenant_id, normal_form(name)) for name in names if name.strip()}
        found = await self._server.read(self._tenant_id, lambda at: _canonical(at, ids.values()))
        return {name: found[identity] for name, identity in ids.items() if identity in found}

    async def neighbourhood(
        self,
        entity_ids: Sequence[str],
        passage_ids: Sequence[str] = (),
        *,
        passages_per_entity: int,
        with_sentences: bool = False,
    ) -> Neighbourhood:
        return await self._server.read(
            self._tenant_id,
            lambda at: _neighbourhood(at, entity_ids, passage_ids, passages_per_entity, with_sentences),
        )

    async def entities(self, entity_ids: Sequence[str]) -> list[GraphEntity]:
        return await self._server.read(self._tenant_id, lambda at: _entities(at, entity_ids))

    async def list_entities(self, query: str, limit: int, after: tuple[str, str] | None = None) -> list[GraphEntity]:
        key = query_form(query)
        return await self._server.read(self._tenant_id, lambda at: _list(at, key, limit, after))

    async def relations(
        self, entity_ids: Sequence[str], *, relations_per_entity: int, as_of: str | None = None
    ) -> list[GraphRelation]:
        time = optional_time(as_of)
        return await self._server.read(
            self._tenant_id, lambda at: _relations(at, entity_ids, relations_per_entity, time)
        )

    async def size(self) -> Size:
        [counts] = await self._server.read(self._tenant_id, lambda at: at.rows(queries.SIZE))
        return Size(*counts)

    async def count_entities(self, document_id: str) -> int:
        found = await self._server.read(
            self._tenant_id, lambda at: at.rows(queries.COUNT_ENTITIES, document_id=document_id)
        )
        count: int = found[0][0]
        return count

    async def export(self) -> AsyncIterator[list[PassageGraph] | list[Merge]]:
        part = await self._passages_after("", -1, "")
        while part:
            yield part
            last = part[-1]
            part = await self._passages_after(last.document_id, last.position, last.passage_id)
        rows = await self._server.read(self._tenant_id, lambda at: at.rows(queries.EXPORT_MERGES))
        if rows:
            yield [packed.unpack_merge(row[0]) for row in rows]

    async def _passages_after(self, document_id: str, position: int, passage_id: str) -> list[PassageGraph]:
        after = {"document_id": document_id, "position": position, "passage_id": passage_id}
        rows = await self._server.read(
            self._tenant_id, lambda at: at.rows(queries.EXPORT_PASSAGES, **after, limit=_PART)
        )
        return [packed.unpack(*row) for row in rows]


async def _canonical(at: Transaction, ids: Iterable[str]) -> dict[str, str]:
    """The ids of the whole entities, by the given ids of names or of whole entities; of those that exist."""
    return {row[0]: row[1] for row in await at.rows_for(queries.CANONICAL, "ids", sorted(set(ids)))}


async def _whole(at: Transaction, ids: Iterable[str]) -> list[str]:
    return sorted(set((await _canonical(at, ids)).values()))


async def _members(at: Transaction, whole: Iterable[str]) -> dict[str, list[EntityRow]]:
    found: dict[str, list[EntityRow]] = defaultdict(list)
    for row in await at.rows_for(queries.MEMBERS, "ids", sorted(whole)):
        found[row[2]].append(packed.entity_row(*row))
    return found


async def _neighbourhood(
    at: Transaction, entities: Sequence[str], passages: Sequence[str], most: int, with_sentences: bool
) -> Neighbourhood:
    members = await _members(at, await _whole(at, entities))
    wanted = {*passages, *await _sample(at, members, most)}
    rows = await at.rows_for(queries.PASSAGES, "ids", sorted(wanted), with_sentences=with_sentences)
    canonical, frequencies = await _frequencies(at, {name for row in rows for name in row[3]})
    near = [
        packed.linked(row[0], row[1], row[2], [canonical[one] for one in row[3]], row[4], row[5] or packed.NO_SENTENCES)
        for row in rows
    ]
    near.sort(key=lambda passage: (passage.document_id, passage.position, passage.passage_id))
    return Neighbourhood(tuple(near), frequencies)


async def _frequencies(at: Transaction, names: set[str]) -> tuple[dict[str, str], dict[str, int]]:
    """The whole entities of names, and how many passages name each of these; few were merged."""
    rows = await at.rows_for(queries.NAMES, "ids", sorted(names))
    frequencies = {canonical: passages for _, canonical, passages, is_merged in rows if not is_merged}
    merged = {canonical for _, canonical, _, is_merged in rows if is_merged}
    frequencies |= {row[0]: row[1] for row in await at.rows_for(queries.FREQUENCIES, "ids", sorted(merged))}
    return {row[0]: row[1] for row in rows}, dict(sorted(frequencies.items()))


async def _sample(at: Transaction, members: dict[str, list[EntityRow]], most: int) -> set[str]:
    """The passages that name the entities; of each at most that many."""
    names = sorted(row.entity_id for rows in members.values() for row in rows)
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, key, passage_id in await at.rows_for(queries.SAMPLE, "names", names, limit=most):
        found[name].append((key.removeprefix(name), passage_id))
    sample = set[str]()
    for rows in members.values():
        places = sorted(one for row in rows for one in found[row.entity_id])
        sample.update(islice(dict.fromkeys(passage_id for _, passage_id in places), most))
    return sample


async def _entities(at: Transaction, ids: Sequence[str]) -> list[GraphEntity]:
    canonical = await _canonical(at, ids)
    order = dict.fromkeys(canonical[identity] for identity in ids if identity in canonical)
    return await _in_order(at, list(order))


async def _in_order(at: Transaction, whole: Sequence[str]) -> list[GraphEntity]:
    members = await _members(at, whole)
    merged = [identity for identity in whole if len(members[identity]) > 1]
    groups = [[row.entity_id for row in members[identity]] for identity in merged]
    counts = await at.rows_for(queries.COUNT_DOCUMENTS, "groups", groups)
    documents = {identity: members[identity][0].documents for identity in whole}
    documents |= {identity: row[0] for identity, row in zip(merged, counts, strict=True)}
    return [entity(members[identity], documents[identity]) for identity in whole]


async def _list(at: Transaction, query: str, limit: int, after: tuple[str, str] | None) -> list[GraphEntity]:
    time, identity = after or _AFTER_ALL
    named = {"query": query} if query else {}
    text = queries.LIST_NAMED if query else queries.LIST_ENTITIES
    rows = await at.rows(text, time=time, id=identity, limit=limit, **named)
    return await _in_order(at, [row[0] for row in rows])


async def _relations(at: Transaction, ids: Sequence[str], most: int, as_of: str | None) -> list[GraphRelation]:
    members = await _members(at, await _whole(at, ids))
    names = sorted(row.entity_id for rows in members.values() for row in rows)
    found: dict[str, list[RelationRow]] = defaultdict(list)
    for name, *row in await at.rows_for(queries.RELATIONS, "names", names, as_of=as_of, limit=most):
        found[name].append(packed.relation_row(*row))
    chosen: dict[str, RelationRow] = {}
    for rows in members.values():
        of_names = (one for row in rows for one in found[row.entity_id])
        chosen.update((one.relation_id, one) for one in heaviest(of_names, most))
    ends = {end for row in chosen.values() for end in (row.source_id, row.target_id)}
    return combined(chosen.values(), await _canonical(at, ends))
