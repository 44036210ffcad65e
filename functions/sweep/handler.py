"""Finds, on its clock, whatever stands still and sets it going again."""

from collections.abc import Awaitable

from events.clock import ClockTicked
from functions.sweep.budgets import look_after_budgets
from functions.sweep.dead_letters import replay_due
from functions.sweep.documents import go_on
from functions.sweep.retention import retire
from functions.sweep.storage import meter_storage
from shared.bus.publisher import BoundPublisher
from shared.catalogue.catalogue import Catalogues
from shared.pool.queue import SliceQueue
from shared.proxy.budget.budget import Budget
from shared.records.records import PlatformRecords
from shared.redis.client import RedisClient
from shared.redis.leases import Leases
from shared.table.table import Table
from shared.telemetry.logs import log
from shared.types.errors import StoreUnavailable
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.metering import Meter
from shared.vectors.port import VectorIndex


async def handle(
    event: ClockTicked,
    platform: PlatformRecords,
    catalogues: Catalogues,
    redis: RedisClient,
    leases: Leases,
    slices: SliceQueue,
    index: VectorIndex,
    publisher: BoundPublisher,
    table: Table,
    budget: Budget,
    book: UsageLedger,
    journal: Journal,
    meter: Meter,
) -> None:
    async with leases.hold("sweep") as ours:
        if not ours:
            return
        await _apart("budgets", look_after_budgets(budget, book, journal, publisher))
        await _apart("the book", book.seal_due())
        await _apart("retention", retire(platform, catalogues, redis))
        waiting = await replay_due(platform, catalogues, publisher)
        await go_on(platform, catalogues, redis, leases, slices, index, publisher, table, waiting)
        await _apart("storage", meter_storage(platform, redis, meter))


async def _apart(what: str, work: Awaitable[object]) -> None:
    """What goes wrong with one must not keep the others waiting."""
    try:
        await work
    except StoreUnavailable as error:
        log().warning(f"cannot look after {what}: {error}", extra={"function": "sweep"})
    except Exception:  # noqa: BLE001 - whatever it is, the next tick tries again
        log().exception(f"cannot look after {what}", extra={"function": "sweep"})
