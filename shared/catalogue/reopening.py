"""Prepares the replay of a dead letter."""

from events.envelope import CloudEvent
from shared.catalogue.catalogue import Catalogues
from shared.records.records import PlatformRecords
from shared.records.structs import DeadLetter


def event_of(letter: DeadLetter) -> CloudEvent:
    return CloudEvent(**letter.event)


async def reopen(letter: DeadLetter, platform: PlatformRecords, catalogues: Catalogues) -> None:
    """Marks the letter's document as open and resets its stage, where that had failed."""
    generation = int(letter.event["epoch"])
    records = platform.of(letter.tenant_id)
    stage = await records.stage(letter.document_id, generation, letter.function)
    if stage and stage.outcome == "failed":
        await records.mark_open(letter.document_id, generation, "ingesting")
        await records.erase_stage(letter.document_id, generation, letter.function)
        await catalogues.of(letter.tenant_id).hide_stages(letter.document_id, [letter.function])
