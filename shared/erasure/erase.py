"""Takes a document out of every store."""

from shared.catalogue.catalogue import Catalogue
from shared.conversations.conversations import forget_document
from shared.counters.port import Counters
from shared.ledger.ledger import Ledger, PlatformLedger
from shared.vectors.port import Vectors


async def bury(document_id: str, epoch: int, ledger: Ledger, catalogue: Catalogue) -> None:
    """From here on the document is gone for everybody; erasing it may take its time.

    Hidden before it is buried: cut off in between, it is not seen again, and its marker lets the sweep go on. Raises
    `StoreUnavailable`, and nothing is promised then.
    """
    await ledger.mark_open(document_id, epoch, "deleting")
    await catalogue.drop(document_id, epoch)
    await ledger.bury(document_id, epoch)


async def erase(
    document_id: str,
    up_to_epoch: int,
    ledger: Ledger,
    platform: PlatformLedger,
    catalogue: Catalogue,
    vectors: Vectors,
    counters: Counters,
) -> None:
    """Indexes, and what was answered from it, first; the blobs last, then the marker: cut off anywhere, it can be done
    again from the start.

    Only lives up to the epoch are touched: bytes uploaded again meanwhile stay. Raises `StoreUnavailable`.
    """
    await catalogue.drop(document_id, up_to_epoch)
    await vectors.forget(document_id, up_to_epoch)
    await forget_document(counters, ledger.tenant_id, document_id)
    for letter in await platform.dead_letters(ledger.tenant_id):
        if letter.document_id == document_id and int(letter.event.get("epoch", 0)) <= up_to_epoch:
            await platform.drop_dead_letter(letter)
    await ledger.erase(document_id, up_to_epoch)
    for epoch in range(1, up_to_epoch + 1):
        await ledger.mark_closed(document_id, epoch)
        await ledger.mark_closed(document_id, epoch, "deleting")
    if await ledger.has_blobs(document_id, up_to_epoch):  # a stage wrote while the marker was being closed
        await ledger.mark_open(document_id, up_to_epoch, "deleting")
