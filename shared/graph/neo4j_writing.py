"""Writing transactions on the graph in Neo4j: a fixed number of queries, whatever is written."""

from collections.abc import Iterable, Mapping, Sequence

from shared.graph import neo4j_queries as queries
from shared.graph import packed
from shared.graph.changes import EntityRow, GraphChange, MergeRow, component, judge, short_id_of
from shared.graph.names import digest, entity_id, normal_form, place
from shared.graph.neo4j_driver import Transaction
from shared.graph.port import Merge, PassageGraph


async def put(tenant_id: str, at: Transaction, passages: Sequence[PassageGraph]) -> None:
    await _lock_documents(at, {passage.document_id for passage in passages})
    ids = [passage.passage_id for passage in passages]
    found = [packed.unpack(row[0]) for row in await at.rows(queries.READ_PASSAGES, ids=ids)]
    await _replace(tenant_id, at, found, passages)


async def forget_some(tenant_id: str, at: Transaction, document_id: str, generation: int, limit: int) -> bool:
    """Erases some of the document's passages; True while there may be more."""
    await _lock_documents(at, {document_id})
    rows = await at.rows(queries.READ_GENERATIONS, document_id=document_id, generation=generation, limit=limit)
    await _replace(tenant_id, at, [packed.unpack(row[0]) for row in rows], ())
    await at.rows(queries.REMOVE_EMPTY_DOCUMENTS, documents=[document_id])
    return len(rows) == limit


async def merge(tenant_id: str, at: Transaction, merges: Sequence[Merge]) -> None:
    rows, touched = [], dict[str, str]()
    for one in merges:
        keys = ends(tenant_id, one)
        if len(keys) == 2:
            touched |= keys
            rows.append(_merge_row(tenant_id, sorted(keys), one))
    await _lock(at, touched)
    await at.rows_for(queries.STORE_MERGES, "rows", rows)
    await _connect_again(at, touched)


async def split(tenant_id: str, at: Transaction, merge: Merge) -> None:
    keys = ends(tenant_id, merge)
    await _lock(at, keys)
    first, second = min(keys), max(keys)
    await at.rows(queries.REMOVE_MERGES_OF_PAIR, first_id=first, second_id=second)
    await _connect_again(at, keys)


async def forget_merges(tenant_id: str, at: Transaction, document_id: str, generation: int) -> None:
    of = {"document_id": document_id, "generation": generation}
    merges = [packed.unpack_merge(row[0]) for row in await at.rows(queries.READ_MERGES_OF_DOCUMENT, **of)]
    touched = {identity: key for one in merges for identity, key in ends(tenant_id, one).items()}
    await _lock(at, touched)
    await at.rows(queries.REMOVE_MERGES_OF_DOCUMENT, **of)
    await _connect_again(at, touched)


def ends(tenant_id: str, merge: Merge) -> dict[str, str]:
    """The normal forms of the two names by their ids; one where both are the same name."""
    keys = [normal_form(name) for name in (merge.name, merge.other)]
    return {entity_id(tenant_id, key): key for key in keys}


async def _replace(
    tenant_id: str, at: Transaction, erased: Sequence[PassageGraph], written: Sequence[PassageGraph]
) -> None:
    if not (erased or written):
        return
    change = GraphChange(tenant_id, erased, written)
    rows = await _lock(at, {identity: changed.key for identity, changed in change.entities.items()})
    is_new = [identity for identity, row in rows.items() if not row.passages]
    pairs = [list(pair) for pair in sorted(change.presence)]
    presence = {(row[0], row[1]): row[2] for row in await at.rows_for(queries.READ_PRESENCE, "pairs", pairs)}
    change.apply_to_entities(rows, presence)
    edges = await _merges_around(at, is_new)
    groups = {identity: component(identity, edges) for identity in is_new}
    for identity, group in groups.items():
        rows[identity].canonical = min(group)
    await at.rows_for(queries.REMOVE_PASSAGES, "ids", [passage.passage_id for passage in erased])
    await _store_relations(at, change)
    await _store_entities(at, rows, {one: len(group) > 1 for one, group in groups.items()})
    await _store_presence(at, rows, presence)
    await _create(at, change, written)


async def _lock(at: Transaction, keys: Mapping[str, str]) -> dict[str, EntityRow]:
    """Locks the names and returns their rows; those that did not exist are there, and empty, until the end."""
    rows: dict[str, EntityRow] = {}
    while missing := sorted(keys.keys() - rows.keys()):
        found = await at.rows_for(queries.LOCK_ENTITIES, "entities", [[one, keys[one]] for one in missing])
        rows |= {row[0]: packed.entity_row(*row) for row in found if row[0]}
    return rows


async def _lock_documents(at: Transaction, ids: set[str]) -> None:
    locked = set[str]()
    while missing := sorted(ids - locked):
        locked |= {row[0] for row in await at.rows(queries.LOCK_DOCUMENTS, documents=missing) if row[0]}


async def _store_relations(at: Transaction, change: GraphChange) -> None:
    found = await at.rows_for(queries.READ_RELATIONS, "ids", sorted(change.relations))
    rows = {row[0]: packed.relation_row(*row) for row in found}
    change.apply_to_relations(rows)
    stored = [
        {
            "relation_id": row.relation_id,
            "source_id": row.source_id,
            "type": row.type,
            "target_id": row.target_id,
            "valid_from": row.valid_from,
            "valid_to": row.valid_to,
            "weight": row.weight,
            "support": packed.pack_support(row),
        }
        for row in rows.values()
        if row.support
    ]
    await at.rows_for(queries.STORE_RELATIONS, "rows", stored)
    gone = sorted(row.relation_id for row in rows.values() if not row.support)
    await at.rows_for(queries.REMOVE_RELATIONS, "ids", gone)


async def _store_entities(at: Transaction, rows: Mapping[str, EntityRow], is_merged: Mapping[str, bool]) -> None:
    """`is_merged` is given for new rows; the others keep what the last merge wrote."""
    stored = [
        {
            "entity_id": row.entity_id,
            "canonical": row.canonical,
            "mentions": row.mentions,
            "passages": row.passages,
            "documents": row.documents,
            "created_at": row.created_at,
            "names": packed.pack_counts(row.names),
            "types": packed.pack_counts(row.types),
            "is_merged": is_merged.get(row.entity_id),
        }
        for row in rows.values()
    ]
    await at.rows_for(queries.STORE_ENTITIES, "rows", stored)


async def _store_presence(
    at: Transaction, rows: Mapping[str, EntityRow], presence: Mapping[tuple[str, str], int]
) -> None:
    """Also removes the names that no passage has any more."""
    present = [[*pair, count] for pair, count in presence.items() if count]
    await at.rows_for(queries.STORE_PRESENCE, "rows", present)
    absent = [list(pair) for pair, count in presence.items() if not count]
    await at.rows_for(queries.REMOVE_PRESENCE, "rows", absent)
    await at.rows_for(queries.REMOVE_UNNAMED, "ids", [row.entity_id for row in rows.values() if not row.passages])


async def _create(at: Transaction, change: GraphChange, written: Sequence[PassageGraph]) -> None:
    passages, mentions = [], []
    for passage in written:
        links = change.links[passage.passage_id]
        content, sentences = packed.pack(passage)
        passages.append(
            {
                "passage_id": passage.passage_id,
                "document_id": passage.document_id,
                "epoch": passage.generation,
                "position": passage.position,
                "names": list(links.mentions),
                "counts": [mention.count for mention in passage.mentions],
                "sentences": sentences,
                "content": content,
            }
        )
        at_place = f"{place(passage.passage_id):015x}"
        mentions += [[passage.passage_id, identity, f"{identity}:{at_place}"] for identity in sorted(links.counts)]
    await at.rows_for(queries.CREATE_PASSAGES, "rows", passages)
    await at.rows_for(queries.CREATE_MENTIONS, "rows", mentions)


async def _merges_around(at: Transaction, ids: Iterable[str]) -> dict[str, set[str]]:
    """The merges that connect the names with others, directly or over others."""
    edges: dict[str, set[str]] = {}
    ahead, seen = set(ids), set[str]()
    while ahead:
        found = await at.rows_for(queries.MERGED_WITH, "ids", sorted(ahead))
        seen |= ahead
        for one, other in found:
            edges.setdefault(one, set()).add(other)
            edges.setdefault(other, set()).add(one)
        ahead = {identity for pair in found for identity in pair} - seen
    return edges


async def _connect_again(at: Transaction, touched: Mapping[str, str]) -> None:
    """Gives every name that merges connect with these the id of their first. The names are locked before it is known
    which are connected, so that a name that is written at the same time is either seen here or sees the merge."""
    ends = {*touched, *await _judge(at, touched)}
    edges = await _merges_around(at, ends)
    groups = {identity: component(identity, edges) for identity in ends}
    ids = set().union(*groups.values())
    await _lock(at, dict.fromkeys(ids - touched.keys(), ""))
    rows = [[identity, min(group), len(group) > 1] for group in groups.values() for identity in group]
    await at.rows_for(queries.SET_CANONICAL, "rows", rows)
    await at.rows_for(queries.REMOVE_UNNAMED, "ids", sorted(ids))


async def _judge(at: Transaction, touched: Iterable[str]) -> set[str]:
    """Finds out which merges around these names are void; returns the names of all that may have changed."""
    around = await _merges_of(at, touched)
    short_ids = {row.short_id for row in around if row.short_id}
    judged = judge(around | await _merges_of(at, short_ids), short_ids)
    await at.rows_for(queries.STORE_JUDGEMENTS, "rows", [[_merge_id(row), is_void] for row, is_void in judged.items()])
    return {end for row in judged for end in (row.first_id, row.second_id)}


async def _merges_of(at: Transaction, ids: Iterable[str]) -> set[MergeRow]:
    return {MergeRow(*row) for row in await at.rows_for(queries.MERGES_OF, "ids", sorted(ids))}


def _merge_id(row: MergeRow) -> str:
    return digest(row.first_id, row.second_id, row.document_id, str(row.generation), row.reason)


def _merge_row(tenant_id: str, pair: Sequence[str], merge: Merge) -> dict[str, object]:
    of_document = merge.document_id, merge.generation
    row = MergeRow(pair[0], pair[1], *of_document, merge.reason, short_id_of(tenant_id, merge))
    return {
        "merge_id": _merge_id(row),
        "first_id": row.first_id,
        "second_id": row.second_id,
        "document_id": row.document_id,
        "epoch": row.generation,
        "reason": row.reason,
        "short_id": row.short_id,
        "content": packed.pack_merge(merge),
    }
