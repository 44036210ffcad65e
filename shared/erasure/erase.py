"""Takes a document out of every store."""

from shared.catalogue.catalogue import Catalogue
from shared.conversations.conversations import forget_document
from shared.records.records import PlatformRecords, TenantRecords
from shared.redis.client import RedisClient
from shared.vectors.port import Vectors


async def bury(document_id: str, generation: int, records: TenantRecords, catalogue: Catalogue) -> None:
    """From here on the document is gone for everybody; erasing it may take its time.

    Hidden before it is buried: cut off in between, it is not seen again, and its marker lets the sweep go on. Raises
    `StoreUnavailable`, and nothing is promised then.
    """
    await records.mark_open(document_id, generation, "deleting")
    await catalogue.drop(document_id, generation)
    await records.write_tombstone(document_id, generation)


async def erase(
    document_id: str,
    up_to_generation: int,
    records: TenantRecords,
    platform: PlatformRecords,
    catalogue: Catalogue,
    vectors: Vectors,
    redis: RedisClient,
) -> None:
    """Indexes, and what was answered from it, first; the blobs last, then the marker: cut off anywhere, it can be done
    again from the start.

    Only lives up to the epoch are touched: bytes uploaded again meanwhile stay. Raises `StoreUnavailable`.
    """
    await catalogue.drop(document_id, up_to_generation)
    await vectors.forget(document_id, up_to_generation)
    await forget_document(redis, records.tenant_id, document_id)
    for letter in await platform.dead_letters(records.tenant_id):
        if letter.document_id == document_id and int(letter.event.get("epoch", 0)) <= up_to_generation:
            await platform.erase_dead_letter(letter)
    await records.erase(document_id, up_to_generation)
    for generation in range(1, up_to_generation + 1):
        await records.mark_closed(document_id, generation)
        await records.mark_closed(document_id, generation, "deleting")
    if await records.has_blobs(document_id, up_to_generation):  # a stage wrote while the marker was being closed
        await records.mark_open(document_id, up_to_generation, "deleting")
