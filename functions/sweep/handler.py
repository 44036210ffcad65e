"""Re-drives stalled documents, expired leases and due dead letters, every 30 s."""

from collections.abc import Awaitable

from events.clock import ClockTicked
from functions.sweep.budgets import BudgetUpkeep
from functions.sweep.dead_letters import DeadLetters
from functions.sweep.documents import OpenDocuments
from functions.sweep.retention import Retention
from functions.sweep.storage import StorageMetering
from shared.erasure.compaction import Compaction
from shared.erasure.tenants import TenantErasure
from shared.redis.leases import Leases
from shared.telemetry.logs import log
from shared.types.errors import StoreUnavailable
from shared.usage.ledger import UsageLedger


async def handle(
    event: ClockTicked,
    leases: Leases,
    budgets: BudgetUpkeep,
    ledger: UsageLedger,
    retention: Retention,
    dead_letters: DeadLetters,
    documents: OpenDocuments,
    tenants: TenantErasure,
    compaction: Compaction,
    storage: StorageMetering,
) -> None:
    async with leases.hold("sweep") as ours:
        if not ours:
            return
        await _isolated("settle budgets", budgets.run())
        await _isolated("seal the usage ledger", ledger.seal_due())
        await _isolated("apply retention", retention.apply())
        await _isolated("erase deleted tenants", tenants.erase_all())
        await documents.resume(await dead_letters.replay_due())
        await _isolated("compact the stores", compaction.run())
        await _isolated("meter storage", storage.run())


async def _isolated(task: str, work: Awaitable[object]) -> None:
    """One task that fails must not keep the others waiting."""
    try:
        await work
    except StoreUnavailable as error:
        log().warning(f"cannot {task}: {error}", extra={"function": "sweep"})
    except Exception:  # noqa: BLE001 - whatever it is, the next tick tries again
        log().exception(f"cannot {task}", extra={"function": "sweep"})
