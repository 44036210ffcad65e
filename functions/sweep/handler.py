"""Finds, on its clock, whatever stands still and sets it going again."""

from events.clock import ClockTicked
from functions.sweep.dead_letters import replay_due
from functions.sweep.documents import go_on
from shared.bus.port import Bus, Redelivery
from shared.catalogue.catalogue import Catalogues
from shared.counters.leases import Leases
from shared.counters.port import Counters
from shared.ledger.ledger import PlatformLedger
from shared.pool.queue import SliceQueue
from shared.runtime.table import Table
from shared.vectors.port import VectorIndex


async def handle(
    event: ClockTicked,
    platform: PlatformLedger,
    catalogues: Catalogues,
    counters: Counters,
    leases: Leases,
    slices: SliceQueue,
    index: VectorIndex,
    bus: Bus,
    redelivery: Redelivery,
    table: Table,
) -> None:
    async with leases.hold("sweep") as ours:
        if ours:
            waiting = await replay_due(platform, catalogues, redelivery)
            await go_on(platform, catalogues, counters, leases, slices, index, bus, table, waiting)
