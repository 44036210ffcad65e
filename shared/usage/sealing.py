"""Sealing: what the journals wrote is brought into each tenant's part of the book and covered by one more seal.

Cut off anywhere, the next sealing heals it: until the seal is there nothing is consumed, and what it consumed and
still stands is erased before the next one. Two at a time may both work; one seal comes of it.
"""

from collections import defaultdict
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from shared.blobs.port import Blobs
from shared.types.clock import now
from shared.usage.balance import carried
from shared.usage.journal import UNSEALED
from shared.usage.lines import joined, known
from shared.usage.places import day_folder, sealed_blob
from shared.usage.seals import Chain, Seal, SealedBlob, digest, number_of
from shared.usage.together import together
from shared.usage.unsealed import Unsealed, unsealed

EVERY_S = 60


class _Addressed(Struct, frozen=True):
    """What a line of any revision says of itself."""

    tenant_id: str = ""
    at: datetime | None = None


class _Content(Struct, frozen=True):
    """A tenant's records of a day, to be written."""

    folder: str
    blob: SealedBlob
    data: bytes


async def seal_due(blobs: Blobs) -> Seal | None:
    """Seals, unless the newest seal is younger than a minute."""
    newest = await Chain(blobs).newest()
    if newest and (now() - newest.seal.at).total_seconds() < EVERY_S:
        return None
    return await seal(blobs)


async def seal(blobs: Blobs) -> Seal | None:
    """The seal that was made; None where there was nothing to seal, or another sealed it. Raises
    `StoreUnavailable`, `DiskFull`."""
    chain = Chain(blobs)
    found = await unsealed(blobs, chain)
    if found is None:
        return None
    await together(blobs.erase, found.left)
    if not found.lines:
        return None
    contents = _contents(found)
    await together(lambda one: blobs.write(one.blob.name, one.data), contents)
    made = _seal(found, contents)
    if not await chain.add(made):
        await _withdraw(blobs, chain, contents, made.number)
        return None
    await _erase_strays(blobs, contents, made.number)
    await together(blobs.erase, made.consumed)
    return made


def _seal(found: Unsealed, contents: list[_Content]) -> Seal:
    at = now()
    return Seal(
        number=found.number + 1,
        previous=found.newest.sha256 if found.newest else "",
        at=at,
        consumed=tuple(found.lines),
        blobs=tuple(content.blob for content in contents),
        balance=carried(found.balance, found.records, at),
    )


def _contents(found: Unsealed) -> list[_Content]:
    """By tenant and day of the records, lines word for word in the order in which they came."""
    grouped: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for name, lines in found.lines.items():
        for line in lines:
            grouped[_address(line, name)].append(line)
    contents = []
    for (tenant_id, day), lines in sorted(grouped.items()):
        data = joined(lines)
        sha256 = digest(data)
        blob = SealedBlob(sealed_blob(tenant_id, day, found.number + 1, sha256), sha256, len(lines))
        contents.append(_Content(day_folder(tenant_id, day), blob, data))
    return contents


def _address(line: bytes, name: str) -> tuple[str, str]:
    """Tenant and day of a record; what cannot be read belongs to the platform, on the day it was written."""
    record = known(line) or _addressed(line)
    day = record.at.astimezone(UTC).date().isoformat() if record and record.at else _day_of(name)
    return (record.tenant_id if record else ""), day


def _addressed(line: bytes) -> _Addressed | None:
    try:
        return msgspec.json.decode(line, type=_Addressed)
    except msgspec.MsgspecError:
        return None


def _day_of(name: str) -> str:
    written = name.removeprefix(UNSEALED)
    return f"{written[:4]}-{written[4:6]}-{written[6:8]}" if written[:8].isdigit() else now().date().isoformat()


async def _withdraw(blobs: Blobs, chain: Chain, contents: list[_Content], number: int) -> None:
    """Erases what we wrote for a seal that another made, but for what theirs covers too."""
    theirs = await chain.link(number)
    covered = {blob.name for blob in theirs.seal.blobs} if theirs else set()
    await together(blobs.erase, [one.blob.name for one in contents if one.blob.name not in covered])


async def _erase_strays(blobs: Blobs, contents: list[_Content], number: int) -> None:
    """What a sealing of the same number left where it was cut off: its records stand in ours."""
    covered = {content.blob.name for content in contents}
    for folder in sorted({content.folder for content in contents}):
        strays = [name for name in await blobs.names(folder) if number_of(name) == number and name not in covered]
        await together(blobs.erase, strays)
