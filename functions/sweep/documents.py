"""Documents that are not final and about which nothing is on its way: what they wait for is said again."""

from shared.bus.publisher import BoundPublisher
from shared.bus.recent import quiet_mark, recent_mark
from shared.catalogue.catalogue import Catalogue, Catalogues
from shared.erasure.erase import bury, erase
from shared.pool.queue import SliceQueue
from shared.records.records import OpenDocument, PlatformRecords, TenantRecords
from shared.redis.client import RedisClient
from shared.redis.leases import Leases, stage_lease
from shared.stages.resume import origin_of, pending
from shared.table.table import Table
from shared.telemetry.logs import log
from shared.types.clock import now
from shared.types.errors import StoreUnavailable
from shared.vectors.port import VectorIndex

_FIRST_PAUSE_S = 60
_LONGEST_PAUSE_S = 30 * 60
_UPLOADING_S = 15 * 60
"""How long an upload may stand between its marker and its record."""


async def go_on(
    platform: PlatformRecords,
    catalogues: Catalogues,
    redis: RedisClient,
    leases: Leases,
    slices: SliceQueue,
    index: VectorIndex,
    publisher: BoundPublisher,
    table: Table,
    waiting: set[tuple[str, str]],
) -> None:
    """`waiting` are documents (tenant, id) whose dead letter will be sent again in its own time."""
    async for document in platform.open_documents():
        about = {"function": "sweep", "tenant": document.tenant_id, "document": document.document_id}
        try:
            if await _is_deleted(document, platform):
                await _erase(document, platform, catalogues, index, redis)
            elif (document.tenant_id, document.document_id) not in waiting:
                await _say_again(document, platform, catalogues, redis, leases, slices, publisher, table)
        except StoreUnavailable as error:  # one document's store must not keep the others waiting
            log().warning(f"cannot go on: {error}", extra=about)
        except Exception:  # noqa: BLE001 - nor may whatever else is wrong with one
            log().exception("cannot go on", extra=about)


async def _erase(
    document: OpenDocument, platform: PlatformRecords, catalogues: Catalogues, index: VectorIndex, redis: RedisClient
) -> None:
    tenant, document_id = document.tenant_id, document.document_id
    records, catalogue = platform.of(tenant), catalogues.of(tenant)
    if not await records.is_deleted(document_id, document.generation):  # interrupted before the tombstone was written
        await bury(document_id, document.generation, records, catalogue)
    await erase(document_id, document.generation, records, platform, catalogue, index.of(tenant), redis)


async def _is_deleted(document: OpenDocument, platform: PlatformRecords) -> bool:
    if document.marker.kind == "deleting":
        return True
    return await platform.of(document.tenant_id).is_deleted(document.document_id, document.generation)


async def _say_again(
    document: OpenDocument,
    platform: PlatformRecords,
    catalogues: Catalogues,
    redis: RedisClient,
    leases: Leases,
    slices: SliceQueue,
    publisher: BoundPublisher,
    table: Table,
) -> None:
    tenant, document_id, generation = document.tenant_id, document.document_id, document.generation
    records = platform.of(tenant)
    record = await records.generation(document_id, generation)
    if record is None:
        await _give_up_upload(document, records)
        return
    if await _is_moving(document, catalogues.of(tenant), redis, leases, slices, table):
        return
    quiet = quiet_mark(tenant, document_id, generation)
    if await redis.call("EXISTS", quiet):
        return
    await catalogues.of(tenant).mend(document_id)
    sayings = await pending(table, records, record, origin_of(record, tenant))
    for saying in sayings:
        await publisher.publish(saying.event)
    await _be_quiet(quiet, redis)  # only now: what was not said for a crash is said again at once
    if not sayings:  # it ended, and only its marker was left behind
        await records.mark_closed(document_id, generation)


async def _give_up_upload(document: OpenDocument, records: TenantRecords) -> None:
    """A crash left its original without a record; the same bytes may be on their way in again."""
    document_id, generation = document.document_id, document.generation
    is_old = (now() - document.marker.since).total_seconds() > _UPLOADING_S
    if is_old and await records.open_marker(document_id, generation, "ingesting") == document.marker:
        await records.erase(document_id, generation)
        await records.mark_closed(document_id, generation)


async def _is_moving(
    document: OpenDocument,
    catalogue: Catalogue,
    redis: RedisClient,
    leases: Leases,
    slices: SliceQueue,
    table: Table,
) -> bool:
    """A stage is at work, its slices wait for the pool, or an event is on its way. A stage that seems to run without a
    lease died with its process: its event was perhaps acknowledged by a second delivery that found the lease held."""
    about = (document.tenant_id, document.document_id, document.generation)
    for stage in table.stages():
        if await leases.live(stage_lease(*about, stage)):
            return True
    if await slices.holds(*about):
        return True
    entry = await catalogue.entry(document.document_id)
    if entry and any(stage.status == "running" for stage in entry.stages):
        return False
    return bool(await redis.call("EXISTS", recent_mark(*about)))


async def _be_quiet(quiet: str, redis: RedisClient) -> None:
    """For 1, 2, 4 … 30 minutes, so that a backlog does not feed itself."""
    times = f"{quiet}:times"
    count = int(await redis.call("INCR", times))
    pause = min(_FIRST_PAUSE_S * 2 ** (count - 1), _LONGEST_PAUSE_S)
    await redis.batch([("SET", quiet, "1", "EX", pause), ("EXPIRE", times, 86400)])
