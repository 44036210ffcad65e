"""How a dead letter goes on its way again."""

from events.envelope import CloudEvent
from shared.catalogue.catalogue import Catalogues
from shared.ledger.ledger import PlatformLedger
from shared.ledger.records import DeadLetter


def event_of(letter: DeadLetter) -> CloudEvent:
    return CloudEvent(**letter.event)


async def reopen(letter: DeadLetter, platform: PlatformLedger, catalogues: Catalogues) -> None:
    """Opens the letter's document again where it had failed."""
    epoch = int(letter.event["epoch"])
    ledger = platform.of(letter.tenant_id)
    stage = await ledger.stage(letter.document_id, epoch, letter.function)
    if stage and stage.outcome == "failed":
        await ledger.mark_open(letter.document_id, epoch, "ingesting")
        await ledger.forget_stage(letter.document_id, epoch, letter.function)
        await catalogues.of(letter.tenant_id).hide_stages(letter.document_id, [letter.function])
