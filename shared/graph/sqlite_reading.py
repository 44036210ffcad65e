"""Queries on a tenant's graph in SQLite. None of them reads more when the tenant has more."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge as merged
from itertools import islice

from shared.graph import packed
from shared.graph.changes import EntityRow, RelationRow, combined, entity, heaviest
from shared.graph.port import (
    GraphEntity,
    GraphRelation,
    Merge,
    Neighbourhood,
    PassageGraph,
    Size,
)
from shared.graph.sqlite_file import RELATION, decode_links, entity_rows

_PART = 500
"""Passages of an export at a time."""
_VALID = "(valid_from IS NULL OR valid_from <= :as_of) AND (valid_to IS NULL OR valid_to > :as_of)"


def canonical_ids(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, str]:
    """The ids of the whole entities, by the given ids of names or of whole entities; of those that exist."""
    given = json.dumps(sorted(set(ids)))
    listed = "IN (SELECT value FROM json_each(?1))"
    rows = connection.execute(
        f"SELECT entity_id, canonical FROM entity WHERE entity_id {listed}"  # noqa: S608  # nosec B608
        f" UNION SELECT canonical, canonical FROM entity WHERE canonical {listed}",
        (given,),
    )
    return dict(rows)


def neighbourhood(
    connection: sqlite3.Connection, entities: Sequence[str], passages: Sequence[str], most: int, with_sentences: bool
) -> Neighbourhood:
    whole = sorted(set(canonical_ids(connection, entities).values()))
    numbers = _naming(connection, whole, most)
    found = connection.execute(
        "SELECT id FROM passage WHERE passage_id IN (SELECT value FROM json_each(?))", (json.dumps(list(passages)),)
    )
    numbers.update(row[0] for row in found)
    column = "sentences" if with_sentences else "x'90'"
    rows = connection.execute(
        f"SELECT passage_id, document_id, position, links, {column} FROM passage"  # noqa: S608 - columns of ours  # nosec B608
        " WHERE id IN (SELECT value FROM json_each(?)) ORDER BY document_id, position, passage_id",
        (json.dumps(sorted(numbers)),),
    ).fetchall()
    found_links = [decode_links(row[3]) for row in rows]
    names = _names(connection, {number for links in found_links for number, _ in links})
    near = [
        packed.linked(row[0], row[1], row[2], [names[one] for one, _ in links], [count for _, count in links], row[4])
        for row, links in zip(rows, found_links, strict=True)
    ]
    return Neighbourhood(tuple(near), _frequencies(connection, set(names.values())))


def entities(connection: sqlite3.Connection, ids: Sequence[str]) -> list[GraphEntity]:
    canonical = canonical_ids(connection, ids)
    found = {one.entity_id: one for one in _whole(connection, set(canonical.values()))}
    order = dict.fromkeys(canonical[identity] for identity in ids if identity in canonical)
    return [found[identity] for identity in order]


def list_entities(
    connection: sqlite3.Connection, query: str, limit: int, after: tuple[str, str] | None
) -> list[GraphEntity]:
    """The time of a whole entity is that of its newest name; names are read in the order of their times."""
    named = "canonical IN (SELECT canonical FROM entity WHERE instr(key, :query) > 0) AND" if query else ""
    later = "(created_at, canonical) < (:time, :id) AND" if after else ""
    time, identity = after or ("", "")
    rows = connection.execute(
        f"SELECT DISTINCT canonical, created_at FROM entity e WHERE {named} {later} NOT EXISTS"  # noqa: S608  # nosec B608
        " (SELECT 1 FROM entity o WHERE o.canonical = e.canonical AND o.created_at > e.created_at)"
        " ORDER BY created_at DESC, canonical DESC LIMIT :limit",
        {"query": query, "time": time, "id": identity, "limit": limit},
    )
    order = [row[0] for row in rows]
    found = {one.entity_id: one for one in _whole(connection, order)}
    return [found[identity] for identity in order]


def relations(connection: sqlite3.Connection, ids: Sequence[str], most: int, as_of: str | None) -> list[GraphRelation]:
    whole = sorted(set(canonical_ids(connection, ids).values()))
    rows: dict[str, RelationRow] = {}
    for names in _members(connection, whole).values():
        of_names = (row for name in names for row in _of_name(connection, name, most, as_of))
        rows.update((row.relation_id, row) for row in heaviest(of_names, most))
    ends = {end for row in rows.values() for end in (row.source_id, row.target_id)}
    return combined(rows.values(), canonical_ids(connection, sorted(ends)))


def size(connection: sqlite3.Connection) -> Size:
    counts = ("COUNT(*) FROM passage", "COUNT(DISTINCT canonical) FROM entity", "COUNT(*) FROM relation")
    return Size(*(connection.execute(f"SELECT {count}").fetchone()[0] for count in counts))


def count_entities(connection: sqlite3.Connection, document_id: str) -> int:
    count: int = connection.execute(
        "SELECT COUNT(DISTINCT e.canonical) FROM presence p JOIN entity e ON e.entity_id = p.entity_id"
        " WHERE p.document_id = ?",
        (document_id,),
    ).fetchone()[0]
    return count


def passages_after(connection: sqlite3.Connection, after: tuple[str, int, str] | None) -> list[PassageGraph]:
    rows = connection.execute(
        "SELECT content, sentences FROM passage WHERE (document_id, position, passage_id) > (?, ?, ?)"
        " ORDER BY document_id, position, passage_id LIMIT ?",
        (*(after or ("", -1, "")), _PART),
    )
    return [packed.unpack(*row) for row in rows]


def merges(connection: sqlite3.Connection) -> list[Merge]:
    rows = connection.execute("SELECT content FROM merge ORDER BY first_id, second_id, document_id, epoch, reason")
    return [packed.unpack_merge(row[0]) for row in rows]


def _naming(connection: sqlite3.Connection, whole: Iterable[str], most: int) -> set[int]:
    """The passages that name the entities; of each at most that many."""
    found = set[int]()
    for identity in whole:
        numbers = [row[0] for row in connection.execute("SELECT id FROM entity WHERE canonical = ?", (identity,))]
        lists = [
            connection.execute(
                "SELECT place, passage FROM mention WHERE entity = ? ORDER BY place, passage LIMIT ?", (number, most)
            )
            for number in numbers
        ]
        found.update(islice(dict.fromkeys(row[1] for row in merged(*lists)), most))
    return found


def _names(connection: sqlite3.Connection, numbers: Iterable[int]) -> dict[int, str]:
    return dict(
        connection.execute(
            "SELECT id, canonical FROM entity WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(numbers)),),
        )
    )


def _frequencies(connection: sqlite3.Connection, whole: Iterable[str]) -> dict[str, int]:
    return dict(
        connection.execute(
            "SELECT canonical, SUM(passages) FROM entity WHERE canonical IN (SELECT value FROM json_each(?))"
            " GROUP BY canonical ORDER BY canonical",
            (json.dumps(sorted(whole)),),
        )
    )


def _members(connection: sqlite3.Connection, whole: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for row in entity_rows(connection, "canonical", whole):
        found[row.canonical].append(row.entity_id)
    return found


def _of_name(connection: sqlite3.Connection, name: str, most: int, as_of: str | None) -> Iterator[RelationRow]:
    valid = f"AND {_VALID}" if as_of else ""
    for end in ("source_id", "target_id"):
        rows = connection.execute(
            f"SELECT {RELATION} FROM relation WHERE {end} = :name {valid}"  # noqa: S608 - columns of ours  # nosec B608
            " ORDER BY weight DESC, relation_id LIMIT :most",
            {"name": name, "as_of": as_of, "most": most},
        )
        yield from (packed.relation_row(*row) for row in rows)


def _whole(connection: sqlite3.Connection, canonical: Iterable[str]) -> list[GraphEntity]:
    rows: dict[str, list[EntityRow]] = defaultdict(list)
    for row in entity_rows(connection, "canonical", canonical):
        rows[row.canonical].append(row)
    return [entity(names, _documents(connection, names)) for names in rows.values()]


def _documents(connection: sqlite3.Connection, names: Sequence[EntityRow]) -> int:
    if len(names) == 1:
        return names[0].documents
    count: int = connection.execute(
        "SELECT COUNT(DISTINCT document_id) FROM presence WHERE entity_id IN (SELECT value FROM json_each(?))",
        (json.dumps([row.entity_id for row in names]),),
    ).fetchone()[0]
    return count
