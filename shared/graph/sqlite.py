"""The embedded backend: one SQLite file for each tenant, in one folder that this process owns."""

import asyncio
import re
import sqlite3
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from shared.graph import sqlite_reading
from shared.graph.changes import optional_time
from shared.graph.names import entity_id, normal_form, query_form
from shared.graph.port import Graph, GraphEntity, GraphIndex, GraphRelation, Merge, Neighbourhood, PassageGraph, Size
from shared.graph.sqlite_file import TenantFile
from shared.types.errors import StoreUnavailable, named_os_error

_OPEN_FILES = 64
_THREADS = 4
_TENANT = re.compile(r"[A-Za-z0-9_.-]{1,200}")

_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")


class SqliteIndex(GraphIndex):
    """Work runs in threads; those least recently used of too many open files are closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="graph")
        self._files: OrderedDict[str, TenantFile] = OrderedDict()
        self._is_closed = False

    def of(self, tenant_id: str) -> Graph:
        if not _TENANT.fullmatch(tenant_id) or tenant_id.startswith("."):
            raise ValueError("a graph belongs to a tenant, and an id is no path")
        return _TenantGraph(self, tenant_id)

    async def prepare(self) -> None:
        await self.run(self._make_folder)

    async def forget_tenant(self, tenant_id: str) -> None:
        file = self.file(tenant_id)
        await self.run(file.erase)

    async def compact(self, token: str) -> bool:
        paths = await self.run(lambda: sorted(self._folder.glob("*.sqlite")))
        return all([await self.run(self.file(path.stem).compact) for path in paths])

    async def ping(self) -> None:
        await self.run(self._make_folder)

    async def close(self) -> None:
        files, self._files = list(self._files.values()), OrderedDict()
        for file in files:
            await self.run(file.close)
        self._is_closed = True
        self._threads.shutdown(wait=False)

    def file(self, tenant_id: str) -> TenantFile:
        file = self._files.pop(tenant_id, None) or TenantFile(self._folder / f"{tenant_id}.sqlite", tenant_id)
        self._files[tenant_id] = file
        if len(self._files) > _OPEN_FILES:
            _, oldest = self._files.popitem(last=False)
            self._threads.submit(oldest.close)
        return file

    async def run(
        self, work: Callable[_Arguments, _Answer], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Answer:
        if self._is_closed:
            raise StoreUnavailable("graph", "the graph is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))
        except OSError as error:
            raise named_os_error(error, "graph") from error

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)


class _TenantGraph(Graph):
    def __init__(self, index: SqliteIndex, tenant_id: str) -> None:
        self._index = index
        self._tenant_id = tenant_id

    async def put(self, passages: Sequence[PassageGraph]) -> None:
        await self._index.run(self._file.put, passages)

    async def forget(self, document_id: str, up_to_generation: int) -> None:
        await self._index.run(self._file.forget, document_id, up_to_generation)

    async def merge(self, merges: Sequence[Merge]) -> None:
        await self._index.run(self._file.merge, merges)

    async def split(self, merge: Merge) -> None:
        await self._index.run(self._file.split, merge)

    async def find(self, names: Sequence[str]) -> dict[str, str]:
        ids = {name: entity_id(self._tenant_id, normal_form(name)) for name in names if name.strip()}
        none: dict[str, str] = {}
        found = await self._read(lambda at: sqlite_reading.canonical_ids(at, list(ids.values())), none)
        return {name: found[identity] for name, identity in ids.items() if identity in found}

    async def neighbourhood(
        self,
        entity_ids: Sequence[str],
        passage_ids: Sequence[str] = (),
        *,
        passages_per_entity: int,
        with_sentences: bool = False,
    ) -> Neighbourhood:
        return await self._read(
            lambda at: sqlite_reading.neighbourhood(at, entity_ids, passage_ids, passages_per_entity, with_sentences),
            Neighbourhood((), {}),
        )

    async def entities(self, entity_ids: Sequence[str]) -> list[GraphEntity]:
        return await self._read(lambda at: sqlite_reading.entities(at, entity_ids), [])

    async def list_entities(self, query: str, limit: int, after: tuple[str, str] | None = None) -> list[GraphEntity]:
        key = query_form(query)
        return await self._read(lambda at: sqlite_reading.list_entities(at, key, limit, after), [])

    async def relations(
        self, entity_ids: Sequence[str], *, relations_per_entity: int, as_of: str | None = None
    ) -> list[GraphRelation]:
        time = optional_time(as_of)
        return await self._read(lambda at: sqlite_reading.relations(at, entity_ids, relations_per_entity, time), [])

    async def size(self) -> Size:
        return await self._read(sqlite_reading.size, Size(0, 0, 0))

    async def count_entities(self, document_id: str) -> int:
        return await self._read(lambda at: sqlite_reading.count_entities(at, document_id), 0)

    async def export(self) -> AsyncIterator[list[PassageGraph] | list[Merge]]:
        part = await self._passages_after(None)
        while part:
            yield part
            part = await self._passages_after((part[-1].document_id, part[-1].position, part[-1].passage_id))
        none: list[Merge] = []
        if merges := await self._read(sqlite_reading.merges, none):
            yield merges

    async def _passages_after(self, after: tuple[str, int, str] | None) -> list[PassageGraph]:
        none: list[PassageGraph] = []
        return await self._read(lambda at: sqlite_reading.passages_after(at, after), none)

    @property
    def _file(self) -> TenantFile:
        return self._index.file(self._tenant_id)

    async def _read(self, query: Callable[[sqlite3.Connection], _Answer], empty: _Answer) -> _Answer:
        return await self._index.run(self._file.read, query, empty)
