"""The embedded graph of one tenant: an SQLite file of its own, so that nothing in it can be another tenant's.

Writing and reading have a connection each; each is used by one thread at a time.
"""

import json
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from shared.graph import packed
from shared.graph.changes import EntityRow, GraphChange, MergeRow, judge, short_id_of
from shared.graph.names import entity_id, normal_form, place
from shared.graph.port import Merge, PassageGraph
from shared.graph.sqlite_schema import CONNECTED, INSERT_ENTITY, LAYOUT, TABLES
from shared.types.errors import StoreFull, StoreUnavailable

_BATCH = 256
"""Passages in one transaction."""
_BUSY_S = 30.0
_CACHE_KIB = 8192
_ENTITY = "entity_id, key, canonical, mentions, passages, documents, created_at, names, types"
_PASSAGE = "id, passage_id, links, content"
_StoredPassage = tuple[int, str, bytes, bytes]
RELATION = "relation_id, source_id, type, target_id, valid_from, valid_to, support"

_Answer = TypeVar("_Answer")
decode_links = msgspec.msgpack.Decoder(list[tuple[int, int]]).decode
"""Of each mention of a passage the number of its row in `entity`, and how often it is named."""


class TenantFile:
    """Opens its file when it is first used, and again after it was closed."""

    def __init__(self, path: Path, tenant_id: str) -> None:
        self.path = path
        self.tenant_id = tenant_id
        self._writer = _Connection(path)
        self._reader = _Connection(path)

    def read(self, work: Callable[[sqlite3.Connection], _Answer], empty: _Answer) -> _Answer:
        """Runs it in a transaction of its own; `empty` is the answer where the tenant has no graph yet."""
        if not self.path.exists():
            return empty
        with self._reader.transaction("BEGIN") as connection:
            return work(connection)

    def put(self, passages: Sequence[PassageGraph]) -> None:
        latest = list({passage.passage_id: passage for passage in passages}.values())
        for first in range(0, len(latest), _BATCH):
            with self._writer.transaction() as connection:
                _Writing(connection, self.tenant_id).put(latest[first : first + _BATCH])

    def forget(self, document_id: str, up_to_generation: int) -> None:
        if not self.path.exists():
            return
        with self._writer.transaction() as connection:
            _Writing(connection, self.tenant_id).forget(document_id, up_to_generation)

    def merge(self, merges: Sequence[Merge]) -> None:
        with self._writer.transaction() as connection:
            _Writing(connection, self.tenant_id).merge(merges)

    def split(self, merge: Merge) -> None:
        if not self.path.exists():
            return
        with self._writer.transaction() as connection:
            _Writing(connection, self.tenant_id).split(merge)

    def compact(self) -> bool:
        """Empties the log of writes: deleted rows are overwritten in the file itself when they are deleted. False while
        a reader still needs the log."""
        if not self.path.exists():
            return True
        with self._writer.used() as connection:
            is_busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not is_busy

    def erase(self) -> None:
        """Removes the file and its logs; what is written afterwards begins a new one."""
        with self._writer.closed(), self._reader.closed():
            for path in (self.path, *(self.path.with_name(self.path.name + end) for end in ("-wal", "-shm"))):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        with self._writer.closed(), self._reader.closed():
            pass


class _Connection:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    @contextmanager
    def used(self) -> Iterator[sqlite3.Connection]:
        with self._lock, store_errors():
            if self._open is None:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._open = _connect(self._path)
            yield self._open

    @contextmanager
    def transaction(self, begin: str = "BEGIN IMMEDIATE") -> Iterator[sqlite3.Connection]:
        with self.used() as connection:
            connection.execute(begin)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody uses it meanwhile."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None
            yield


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        layout = connection.execute("PRAGMA user_version").fetchone()[0]
        if layout not in (0, LAYOUT):
            raise StoreUnavailable("graph", f"the file has layout {layout}; `aegis rebuild --only graph` makes it anew")
        if layout == 0:
            connection.executescript(f"BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {LAYOUT}; COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def store_errors() -> Iterator[None]:
    """Raises `StoreUnavailable` and `StoreFull` for errors of SQLite."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorname", "")
        if code == "SQLITE_FULL":
            raise StoreFull("graph", "the disk is full") from error
        if isinstance(error, sqlite3.OperationalError):
            raise StoreUnavailable("graph", str(error)) from error
        if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            raise StoreUnavailable(
                "graph", "the file is damaged; `aegis rebuild --only graph` makes it anew"
            ) from error
        raise


def entity_rows(connection: sqlite3.Connection, column: str, ids: Iterable[str]) -> list[EntityRow]:
    """Entity rows by `entity_id` or by `canonical`, in the order of their ids."""
    found = connection.execute(
        f"SELECT {_ENTITY} FROM entity WHERE {column} IN (SELECT value FROM json_each(?)) ORDER BY entity_id",  # noqa: S608 - columns of ours  # nosec B608
        (json.dumps(sorted(ids)),),
    )
    return [packed.entity_row(*row) for row in found]


class _Writing:
    """One writing transaction."""

    def __init__(self, connection: sqlite3.Connection, tenant_id: str) -> None:
        self._connection = connection
        self._tenant_id = tenant_id

    def put(self, passages: Sequence[PassageGraph]) -> None:
        ids = json.dumps([passage.passage_id for passage in passages])
        found = self._connection.execute(
            f"SELECT {_PASSAGE} FROM passage WHERE passage_id IN (SELECT value FROM json_each(?))",  # noqa: S608  # nosec B608
            (ids,),
        ).fetchall()
        self._replace(found, passages)

    def forget(self, document_id: str, up_to_generation: int) -> None:
        where, of = "WHERE document_id = ? AND epoch <= ?", (document_id, up_to_generation)
        found = self._connection.execute(f"SELECT {_PASSAGE} FROM passage {where}", of).fetchall()  # noqa: S608  # nosec B608
        self._replace(found, ())
        ends = self._connection.execute(f"SELECT first_id, second_id FROM merge {where}", of).fetchall()  # noqa: S608  # nosec B608
        self._connection.execute(f"DELETE FROM merge {where}", of)  # noqa: S608  # nosec B608
        self._connect_again({identity for pair in ends for identity in pair})

    def merge(self, merges: Sequence[Merge]) -> None:
        touched = set[str]()
        for merge in merges:
            first, second = self._ends(merge)
            if first == second:
                continue
            of_document = merge.document_id, merge.generation
            short_id = short_id_of(self._tenant_id, merge)
            self._connection.execute(
                "INSERT OR REPLACE INTO merge VALUES (?, ?, ?, ?, ?, ?, FALSE, ?)",
                (first, second, merge.reason, *of_document, short_id, packed.pack_merge(merge)),
            )
            touched |= {first, second}
        self._connect_again(touched)

    def split(self, merge: Merge) -> None:
        ends = self._ends(merge)
        self._connection.execute("DELETE FROM merge WHERE first_id = ? AND second_id = ?", ends)
        self._connect_again(set(ends))

    def _ends(self, merge: Merge) -> tuple[str, str]:
        first, second = sorted(entity_id(self._tenant_id, normal_form(name)) for name in (merge.name, merge.other))
        return first, second

    def _replace(self, erased: Sequence[_StoredPassage], written: Sequence[PassageGraph]) -> None:
        change = GraphChange(self._tenant_id, [packed.unpack(content) for *_, content in erased], written)
        rows = {row.entity_id: row for row in entity_rows(self._connection, "entity_id", change.entities)}
        presence = self._presence(change)
        known = set(rows)
        change.apply_to_entities(rows, presence)
        self._connect_new(row for identity, row in rows.items() if identity not in known)
        self._erase(erased)
        self._store_entities(rows.values(), presence)
        self._store_relations(change)
        self._write(change, written)

    def _presence(self, change: GraphChange) -> dict[tuple[str, str], int]:
        names: dict[str, list[str]] = defaultdict(list)
        for identity, document_id in change.presence:
            names[document_id].append(identity)
        found: dict[tuple[str, str], int] = {}
        for document_id, ids in names.items():
            rows = self._connection.execute(
                "SELECT entity_id, passages FROM presence WHERE document_id = ?"
                " AND entity_id IN (SELECT value FROM json_each(?))",
                (document_id, json.dumps(ids)),
            )
            found |= {(identity, document_id): count for identity, count in rows}
        return found

    def _erase(self, erased: Sequence[_StoredPassage]) -> None:
        for number, passage_id, links, _ in erased:
            at = place(passage_id)
            self._connection.executemany(
                "DELETE FROM mention WHERE entity = ? AND place = ? AND passage = ?",
                [(entity, at, number) for entity, _ in decode_links(links)],
            )
            self._connection.execute("DELETE FROM passage WHERE id = ?", (number,))

    def _store_entities(self, rows: Iterable[EntityRow], presence: Mapping[tuple[str, str], int]) -> None:
        stored, gone = [], []
        for row in rows:
            if row.passages:
                values = row.entity_id, row.key, row.canonical, row.mentions, row.passages, row.documents
                counted = packed.pack_counts(row.names), packed.pack_counts(row.types)
                stored.append((*values, row.created_at, *counted))
            else:
                gone.append((row.entity_id,))
        many = self._connection.executemany
        many(INSERT_ENTITY, stored)
        many("DELETE FROM entity WHERE entity_id = ?", gone)
        many(
            "INSERT OR REPLACE INTO presence VALUES (?, ?, ?)",
            [(*pair, count) for pair, count in presence.items() if count],
        )
        absent = [pair for pair, count in presence.items() if not count]
        many("DELETE FROM presence WHERE entity_id = ? AND document_id = ?", absent)

    def _connect_new(self, rows: Iterable[EntityRow]) -> None:
        """Gives names that are new the id of the entity that merges make them part of."""
        if self._connection.execute("SELECT EXISTS (SELECT 1 FROM merge)").fetchone()[0]:
            for row in rows:
                row.canonical = self._canonical(row.entity_id)

    def _store_relations(self, change: GraphChange) -> None:
        ids = json.dumps(sorted(change.relations))
        found = self._connection.execute(
            f"SELECT {RELATION} FROM relation WHERE relation_id IN (SELECT value FROM json_each(?))",  # noqa: S608  # nosec B608
            (ids,),
        )
        rows = {row[0]: packed.relation_row(*row) for row in found}
        change.apply_to_relations(rows)
        for row in rows.values():
            if not row.support:
                self._connection.execute("DELETE FROM relation WHERE relation_id = ?", (row.relation_id,))
                continue
            ends = (row.relation_id, row.source_id, row.type, row.target_id, row.valid_from, row.valid_to)
            self._connection.execute(
                "INSERT OR REPLACE INTO relation VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*ends, row.weight, packed.pack_support(row)),
            )

    def _write(self, change: GraphChange, written: Sequence[PassageGraph]) -> None:
        numbers = self._numbers(identity for links in change.links.values() for identity in links.counts)
        for passage in written:
            links = change.links[passage.passage_id]
            counted = [
                (numbers[identity], mention.count)
                for identity, mention in zip(links.mentions, passage.mentions, strict=True)
            ]
            content, sentences = packed.pack(passage)
            stored = self._connection.execute(
                "INSERT INTO passage (passage_id, document_id, epoch, position, links, sentences, content)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    passage.passage_id,
                    passage.document_id,
                    passage.generation,
                    passage.position,
                    msgspec.msgpack.encode(counted),
                    sentences,
                    content,
                ),
            )
            at = place(passage.passage_id)
            self._connection.executemany(
                "INSERT INTO mention VALUES (?, ?, ?)",
                [(entity, at, stored.lastrowid) for entity in dict(counted)],
            )

    def _numbers(self, ids: Iterable[str]) -> dict[str, int]:
        found = self._connection.execute(
            "SELECT entity_id, id FROM entity WHERE entity_id IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(set(ids))),),
        )
        return dict(found)

    def _canonical(self, identity: str) -> str:
        connected: list[tuple[str]] = self._connection.execute(CONNECTED, (identity,)).fetchall()
        return min(connected)[0]

    def _connect_again(self, ids: set[str]) -> None:
        """Gives every name that merges connect with these the id of their first."""
        ids = ids | self._judge(ids)
        while ids:
            connected = {row[0] for row in self._connection.execute(CONNECTED, (min(ids),))}
            self._connection.execute(
                "UPDATE entity SET canonical = ? WHERE entity_id IN (SELECT value FROM json_each(?))",
                (min(connected), json.dumps(sorted(connected))),
            )
            ids = ids - connected

    def _judge(self, ids: set[str]) -> set[str]:
        """Finds out which merges around these names are void; returns the names of all that may have changed."""
        around = self._merges_of(ids)
        short_ids = {row.short_id for row in around if row.short_id}
        judged = judge(around | self._merges_of(short_ids), short_ids)
        self._connection.executemany(
            "UPDATE merge SET is_void = ? WHERE first_id = ? AND second_id = ? AND document_id = ? AND epoch = ?"
            " AND reason = ?",
            [
                (is_void, row.first_id, row.second_id, row.document_id, row.generation, row.reason)
                for row, is_void in judged.items()
            ],
        )
        return {end for row in judged for end in (row.first_id, row.second_id)}

    def _merges_of(self, ids: set[str]) -> set[MergeRow]:
        columns = "first_id, second_id, document_id, epoch, reason, short_id"
        listed = "IN (SELECT value FROM json_each(?1))"
        rows = self._connection.execute(
            f"SELECT {columns} FROM merge WHERE first_id {listed}"  # noqa: S608 - columns of ours  # nosec B608
            f" UNION SELECT {columns} FROM merge WHERE second_id {listed}",
            (json.dumps(sorted(ids)),),
        )
        return {MergeRow(*row) for row in rows}
