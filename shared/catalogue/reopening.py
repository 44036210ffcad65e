"""Prepares the replay of a dead letter."""

from events.envelope import CloudEvent
from shared.catalogue.catalogue import Catalogues
from shared.records.records import PlatformRecords
from shared.records.structs import DeadLetter


def event_of(dead_letter: DeadLetter) -> CloudEvent:
    return CloudEvent(**dead_letter.event)


async def reopen(dead_letter: DeadLetter, platform: PlatformRecords, catalogues: Catalogues) -> None:
    """Marks the document of a dead letter as open and resets its stage, where that had failed."""
    generation = int(dead_letter.event["epoch"])
    records = platform.of(dead_letter.tenant_id)
    stage = await records.stage(dead_letter.document_id, generation, dead_letter.function)
    if stage and stage.outcome == "failed":
        await records.mark_open(dead_letter.document_id, generation, "ingesting")
        await records.erase_stage(dead_letter.document_id, generation, dead_letter.function)
        await catalogues.of(dead_letter.tenant_id).hide_stages(dead_letter.document_id, [dead_letter.function])
