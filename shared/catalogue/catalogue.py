"""The catalogue: a tenant's documents as they can be listed and shown, in Redis, rebuilt from the records.

A document is one hash: its record, and one field for the progress of each stage of its present generation, so that
branches that run side by side never overwrite each other.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct, field

from shared.records.records import PlatformRecords, TenantRecords
from shared.records.structs import DocumentRecord, Reason, StageRecord
from shared.redis.client import RedisClient, Script, pairs
from shared.types.clock import now
from shared.types.paging import microseconds, read_cursor, write_cursor
from shared.types.waiting import WaitsFor

StageStatus = Literal["pending", "running", "waiting", "done", "failed"]


class StageView(Struct, frozen=True):
    """The progress of a stage."""

    stage: str
    status: StageStatus
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    cost_microusd: int = 0
    reason: Reason | None = None
    rejected: bool = False
    waiting_for: WaitsFor | None = None
    title: str = ""
    parser: str = ""
    counts: dict[str, int] = field(default_factory=dict)


class CatalogueEntry(Struct, frozen=True):
    """A document with its stages, in no order."""

    record: DocumentRecord
    stages: tuple[StageView, ...]
    touched_at: datetime


class DocumentPage(Struct, frozen=True):
    document_ids: tuple[str, ...]
    next_cursor: str | None


# A stage that ends after the document's deletion must not bring its entry back.
_SET_STAGE = Script("""
local record = redis.call('HGET', KEYS[1], 'epoch')
if record ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3], 'touched', ARGV[4])
return 1
""")

# A new generation of the document begins without the stages of the last one. A generation that is deleted, or was
# followed by another, is not entered any more, however late its entry comes.
_BEGIN = """
local epoch, deleted = redis.call('HGET', KEYS[1], 'epoch'), redis.call('GET', KEYS[2])
local ours = tonumber(ARGV[1])
if tonumber(deleted or 0) >= ours or tonumber(epoch or 0) > ours then return 0 end
if epoch ~= ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1])
end
"""
_RESERVE = Script(_BEGIN + "return 1")
_PUT = Script(
    _BEGIN
    + """
redis.call('HSET', KEYS[1], 'record', ARGV[2], 'touched', ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[5])
for i = 6, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
"""
)
_LIST = Script("""
if tonumber(redis.call('GET', KEYS[1]) or 0) >= tonumber(ARGV[1]) then return 0 end
return redis.call('ZADD', KEYS[2], ARGV[2], ARGV[3])
""")
_DROP = Script("""
local epoch, deleted = redis.call('HGET', KEYS[1], 'epoch'), redis.call('GET', KEYS[3])
if tonumber(deleted or 0) < tonumber(ARGV[2]) then redis.call('SET', KEYS[3], ARGV[2], 'EX', ARGV[3]) end
if epoch and tonumber(epoch) > tonumber(ARGV[2]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
""")

_DELETED_S = 3600
"""Longer than any call that may still enter a document that was deleted meanwhile."""
_NUMBERS = (
    "pages",
    "printed_pages",
    "count",
    "passages",
    "entities",
    "tokens",
    "words_in",
    "words_out",
    "hidden_words",
)


class Catalogue:
    """One tenant's catalogue. What is missing is read from the records. Raises `StoreUnavailable`."""

    def __init__(self, redis: RedisClient, records: TenantRecords) -> None:
        self._redis = redis
        self._records = records
        self._tenant = records.tenant_id

    async def put(self, record: DocumentRecord) -> None:
        """Enters the document, or replaces its record."""
        await self._put(record, (), now())

    async def drop(self, document_id: str, up_to_generation: int) -> None:
        """Takes the document out, and keeps calls under way from entering it again."""
        await self._redis.run(
            _DROP,
            [self._entry(document_id), self._list, self._deleted(document_id)],
            [document_id, up_to_generation, _DELETED_S],
        )

    async def is_dropped(self, document_id: str, generation: int) -> bool:
        """Whether the generation was deleted within the last hour: a cheap question for work that is under way."""
        return int(await self._redis.call("GET", self._deleted(document_id)) or 0) >= generation

    async def entry(self, document_id: str) -> CatalogueEntry | None:
        return (await self.entries([document_id]))[0]

    async def entries(self, document_ids: Sequence[str]) -> list[CatalogueEntry | None]:
        """The entries in the order of the ids, None where there is no such document."""
        if not document_ids:
            return []
        found = await self._redis.batch([("HGETALL", self._entry(one)) for one in document_ids])
        hashes = [dict(pairs(flat)) for flat in found]
        return [
            _decode(fields) if "record" in fields else await self.mend(document_id)
            for document_id, fields in zip(document_ids, hashes, strict=True)
        ]

    async def mend(self, document_id: str) -> CatalogueEntry | None:
        """Enters the document from its records; None where it has none."""
        record = await self._records.document(document_id)
        if record is None:
            return None
        # Reserved before the records are read: a stage that ends from here on enters itself.
        await self._redis.run(_RESERVE, [self._entry(document_id), self._deleted(document_id)], [record.generation])
        ended = await self._records.stages(document_id, record.generation)
        touched = max([record.created_at, *(stage.finished_at for stage in ended)])
        await self._put(record, [ended_view(stage) for stage in ended], touched)
        fields = dict(pairs(await self._redis.call("HGETALL", self._entry(document_id))))
        return _decode(fields) if "record" in fields else None

    async def page(self, limit: int, cursor: str | None) -> DocumentPage:
        """A page of ids, newest first. The cursor is the place of the last id seen, so that inserts shift nothing."""
        await self._complete()
        after = read_cursor(cursor) if cursor else None
        rest: list[tuple[int, str]] = []
        read = 0
        while len(rest) <= limit:
            places = await self._places(after[0] if after else None, read, limit + 1)
            rest += [place for place in places if after is None or place < after]
            read += len(places)
            if len(places) <= limit:
                break
        page = rest[:limit]
        next_cursor = write_cursor(*page[-1]) if len(rest) > limit else None
        return DocumentPage(tuple(document_id for _, document_id in page), next_cursor)

    async def show_stage(self, document_id: str, generation: int, view: StageView) -> None:
        text = msgspec.json.encode(view).decode()
        await self._redis.run(
            _SET_STAGE, [self._entry(document_id)], [generation, f"stage:{view.stage}", text, now().isoformat()]
        )

    async def hide_stages(self, document_id: str, stages: Sequence[str]) -> None:
        """Takes out the progress of stages that run again."""
        if stages:
            await self._redis.call("HDEL", self._entry(document_id), *(f"stage:{stage}" for stage in stages))

    async def rebuild(self) -> int:
        """Rebuilds the tenant's catalogue from the records; returns the number of documents."""
        await self._redis.call("DEL", self._list)
        known = [record async for record in self._records.documents()]
        for record in known:
            await self._redis.call("DEL", self._entry(record.document_id))
            await self.mend(record.document_id)
        await self._redis.call("SET", self._mark, "1")
        return len(known)

    async def _put(self, record: DocumentRecord, stages: Sequence[StageView], touched: datetime) -> None:
        text = msgspec.json.encode(record).decode()
        views = [word for view in stages for word in (f"stage:{view.stage}", msgspec.json.encode(view).decode())]
        await self._redis.run(
            _PUT,
            [self._entry(record.document_id), self._deleted(record.document_id), self._list],
            [record.generation, text, touched.isoformat(), _score(record), record.document_id, *views],
        )

    async def _complete(self) -> None:
        """Rebuilds the list once where Redis has lost it."""
        if not await self._redis.call("EXISTS", self._mark):
            async for record in self._records.documents():
                await self._redis.run(
                    _LIST,
                    [self._deleted(record.document_id), self._list],
                    [record.generation, _score(record), record.document_id],
                )
            await self._redis.call("SET", self._mark, "1")

    async def _places(self, from_score: int | None, skip: int, count: int) -> list[tuple[int, str]]:
        """Scores and ids of up to `count` documents, highest first, from a score on, itself among them."""
        highest = "+inf" if from_score is None else from_score
        found = await self._redis.call(
            "ZREVRANGEBYSCORE", self._list, highest, "-inf", "WITHSCORES", "LIMIT", skip, count
        )
        return [(int(float(score)), document_id) for document_id, score in pairs(found)]

    def _entry(self, document_id: str) -> str:
        return entry_key(self._tenant, document_id)

    def _deleted(self, document_id: str) -> str:
        return f"catalogue:{self._tenant}:{document_id}:deleted"

    @property
    def _list(self) -> str:
        return f"documents:{self._tenant}"

    @property
    def _mark(self) -> str:
        return f"documents:{self._tenant}:complete"


class Catalogues:
    """The catalogues of all tenants, for the sweep and dead letters."""

    def __init__(self, redis: RedisClient, platform: PlatformRecords) -> None:
        self._redis = redis
        self._platform = platform

    def of(self, tenant_id: str) -> Catalogue:
        return Catalogue(self._redis, self._platform.of(tenant_id))


def entry_key(tenant_id: str, document_id: str) -> str:
    """The key of a document's entry; its field `touched` changes with every change of the others."""
    return f"catalogue:{tenant_id}:{document_id}"


def ended_view(record: StageRecord) -> StageView:
    """The progress of a stage that has ended."""
    data = (record.event or {}).get("data") or {}
    return StageView(
        stage=record.stage,
        status="done" if record.outcome == "done" else "failed",
        attempts=record.attempts,
        started_at=record.started_at,
        finished_at=record.finished_at,
        cost_microusd=record.cost_microusd,
        reason=record.reason,
        rejected=record.outcome == "rejected",
        title=str(data.get("title") or ""),
        parser=str(data.get("parser") or ""),
        counts={name: data[name] for name in _NUMBERS if isinstance(data.get(name), int)},
    )


def _decode(fields: dict[str, str]) -> CatalogueEntry:
    return CatalogueEntry(
        record=msgspec.json.decode(fields["record"], type=DocumentRecord),
        stages=tuple(
            msgspec.json.decode(value, type=StageView) for name, value in fields.items() if name.startswith("stage:")
        ),
        touched_at=datetime.fromisoformat(fields["touched"]),
    )


def _score(record: DocumentRecord) -> int:
    """Documents are listed in the order of their creation, in microseconds since 1970."""
    return microseconds(record.created_at)
