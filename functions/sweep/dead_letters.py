"""Replays dead letters whose cause was a store that was away."""

from datetime import timedelta

import msgspec
from msgspec import Struct

from shared.access.accounts import Accounts
from shared.bus.publisher import BoundPublisher
from shared.catalogue.catalogue import Catalogues
from shared.catalogue.reopening import event_of, reopen
from shared.records.records import PlatformRecords
from shared.records.structs import DeadLetter
from shared.telemetry.logs import log
from shared.types.clock import now

_LOST_AFTER = timedelta(hours=1)
"""When a replay without an outcome is tried once more: no replay is due later than that."""
_CLOCKS_APART = timedelta(minutes=5)
"""How far the clocks of two machines may be apart."""


class DeadLetters(Struct, frozen=True):
    """The dead letters of all tenants."""

    platform: PlatformRecords
    catalogues: Catalogues
    publisher: BoundPublisher
    accounts: Accounts

    async def replay_due(self) -> set[tuple[str, str]]:
        """Sends what is due and erases what is settled; returns the documents (tenant, id) that still wait.
        Nothing of a suspended tenant is sent."""
        waiting: set[tuple[str, str]] = set()
        for dead_letter in await self.platform.dead_letters():
            extra = {"function": "sweep", "tenant": dead_letter.tenant_id, "dead_letter": dead_letter.dead_letter_id}
            try:
                if await self._is_settled(dead_letter):
                    await self.platform.erase_dead_letter(dead_letter)
                elif dead_letter.next_replay_at:
                    waiting.add((dead_letter.tenant_id, dead_letter.document_id))
                    if await self.accounts.suspended([dead_letter.tenant_id]):
                        continue
                    pause = dead_letter.next_replay_at - now()
                    if pause <= timedelta(0) or pause > _LOST_AFTER + _CLOCKS_APART:  # the clock was set back
                        await self._replay(dead_letter)
            except Exception:  # noqa: BLE001 - whatever is wrong with one must not keep the others waiting
                log().exception("cannot replay a dead letter", extra=extra)
        return waiting

    async def _is_settled(self, dead_letter: DeadLetter) -> bool:
        """Its document is deleted, or the stage has succeeded since."""
        records = self.platform.of(dead_letter.tenant_id)
        generation = int(dead_letter.event.get("epoch") or 0)
        if not dead_letter.document_id or await records.is_deleted(dead_letter.document_id, generation):
            return True
        stage = await records.stage(dead_letter.document_id, generation, dead_letter.function)
        return stage is not None and stage.outcome != "failed"

    async def _replay(self, dead_letter: DeadLetter) -> None:
        sent = msgspec.structs.replace(dead_letter, replays=dead_letter.replays + 1, next_replay_at=now() + _LOST_AFTER)
        await self.platform.write_dead_letter(sent)
        await reopen(dead_letter, self.platform, self.catalogues)
        await self.publisher.send_to(dead_letter.function, event_of(dead_letter))
