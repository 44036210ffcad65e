"""Seals what the journals wrote: moves it into each tenant's part of the ledger and covers it by one more seal.

An interrupted sealing is repaired by the next one: nothing is consumed before the seal exists, and what a seal
consumed is erased at the latest before the next one. Two at a time may both work; one seal results.
"""

import asyncio
from collections import defaultdict
from datetime import datetime

import msgspec
from msgspec import Struct

from shared.blobs.port import Blobs
from shared.types.clock import now
from shared.usage.balance import add_records
from shared.usage.codec import decode_known, join_lines
from shared.usage.concurrency import map_concurrently
from shared.usage.journal import UNSEALED
from shared.usage.paths import day_folder, day_of, sealed_blob_path
from shared.usage.seal_chain import Seal, SealChain, SealedBlob, seal_number, sha256_hex
from shared.usage.unsealed import UnsealedRecords, try_read_unsealed

EVERY_S = 60


class _LineOwner(Struct, frozen=True):
    """The fields that a line of any revision has."""

    tenant_id: str = ""
    at: datetime | None = None


class _Content(Struct, frozen=True):
    """A tenant's records of a day, to be written."""

    folder: str
    blob: SealedBlob
    data: bytes


async def seal_due(blobs: Blobs) -> Seal | None:
    """Seals, unless the newest seal is younger than a minute."""
    newest = await SealChain(blobs).newest()
    if newest and abs((now() - newest.seal.at).total_seconds()) < EVERY_S:  # one far ahead: the clock was set back
        return None
    return await seal(blobs)


async def seal(blobs: Blobs) -> Seal | None:
    """The new seal; None where there was nothing to seal, or another process sealed it. Raises `StoreUnavailable`,
    `DiskFull`."""
    chain = SealChain(blobs)
    found = await try_read_unsealed(blobs, chain)
    if found is None:
        return None
    await map_concurrently(blobs.erase, found.leftover)
    if not found.lines:
        return None
    contents = await asyncio.to_thread(_contents, found)
    await map_concurrently(lambda one: blobs.write(one.blob.name, one.data), contents)
    made = await asyncio.to_thread(_seal, found, contents)
    if not await chain.add(made):
        # Another process made this seal: erase what we wrote and its seal does not cover.
        other = await chain.read(made.number)
        covered = {blob.name for blob in other.seal.blobs} if other else set()
        await map_concurrently(blobs.erase, [one.blob.name for one in contents if one.blob.name not in covered])
        return None
    await _erase_strays(blobs, contents, made.number)
    await map_concurrently(blobs.erase, made.consumed)
    return made


def _seal(found: UnsealedRecords, contents: list[_Content]) -> Seal:
    at = now()
    return Seal(
        number=found.number + 1,
        previous=found.newest.sha256 if found.newest else "",
        at=at,
        consumed=tuple(found.lines),
        blobs=tuple(content.blob for content in contents),
        balance=add_records(found.balance, found.records, at),
    )


def _contents(found: UnsealedRecords) -> list[_Content]:
    """By tenant and day of the records, with unchanged lines in the order in which they came."""
    grouped: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for name, lines in found.lines.items():
        for line in lines:
            grouped[_owner_and_day(line, name)].append(line)
    contents = []
    for (tenant_id, day), lines in sorted(grouped.items()):
        data = join_lines(lines)
        sha256 = sha256_hex(data)
        blob = SealedBlob(sealed_blob_path(tenant_id, day, found.number + 1, sha256), sha256, len(lines))
        contents.append(_Content(day_folder(tenant_id, day), blob, data))
    return contents


def _owner_and_day(line: bytes, blob_name: str) -> tuple[str, str]:
    """A line that cannot be decoded belongs to the platform, on the day it was written."""
    try:
        owner = decode_known(line) or msgspec.json.decode(line, type=_LineOwner)
    except msgspec.MsgspecError:
        owner = _LineOwner()
    if owner.at:
        return owner.tenant_id, day_of(owner.at)
    written = blob_name.removeprefix(UNSEALED)
    day = f"{written[:4]}-{written[4:6]}-{written[6:8]}" if written[:8].isdigit() else now().date().isoformat()
    return owner.tenant_id, day


async def _erase_strays(blobs: Blobs, contents: list[_Content], number: int) -> None:
    """Erases blobs of an interrupted sealing of the same number: their records are in ours."""
    covered = {content.blob.name for content in contents}
    for folder in sorted({content.folder for content in contents}):
        strays = [name for name in await blobs.names(folder) if seal_number(name) == number and name not in covered]
        await map_concurrently(blobs.erase, strays)
