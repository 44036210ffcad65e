"""Whatever is changed, taken away or put beside the ledger, verification names the first link that does not hold."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from shared.blobs.port import Blobs
from shared.usage.codec import encode, join_lines
from shared.usage.journal import Journal
from shared.usage.paths import ledger_folder, sealed_blob_path
from shared.usage.seal_chain import Seal, SealChain, seal_path, sha256_hex
from shared.usage.sealing import seal
from shared.usage.verification import verify
from tests.shared.usage.samples import TODAY, free, outbound, settled


@pytest.fixture
async def ledger(blobs: Blobs) -> Blobs:
    """Three seals of two tenants."""
    journal = Journal(blobs)
    for number in range(3):
        call = outbound(number)
        for record in (call, settled(call, 10), free(number, tenant_id="ten_b")):
            await journal.append(record)
        await seal(blobs)
    return blobs


async def blob_of(blobs: Blobs, number: int) -> str:
    link = await SealChain(blobs).read(number)
    assert link is not None
    return link.seal.blobs[0].name


async def test_an_untouched_ledger_holds(ledger: Blobs) -> None:
    verdict = await verify(ledger)
    newest = await SealChain(ledger).newest()
    assert newest is not None
    assert (verdict.seals, verdict.blobs, verdict.records, verdict.fault) == (3, 6, 9, "")
    assert verdict.head == newest.sha256


async def test_a_book_that_was_never_sealed_holds(blobs: Blobs) -> None:
    assert (await verify(blobs)).fault == ""


async def flip(blobs: Blobs) -> str:
    name = await blob_of(blobs, 2)
    data = bytearray(await blobs.read(name))
    data[len(data) // 2] ^= 1
    await blobs.write(name, bytes(data))
    return name


async def take_away(blobs: Blobs) -> str:
    name = await blob_of(blobs, 2)
    await blobs.erase(name)
    return name


async def take_a_seal_away(blobs: Blobs) -> str:
    await blobs.erase(seal_path(2))
    return seal_path(2)


async def swap_seals(blobs: Blobs) -> str:
    second, third = await blobs.read(seal_path(2)), await blobs.read(seal_path(3))
    await blobs.write(seal_path(2), third)
    await blobs.write(seal_path(3), second)
    return seal_path(2)


async def renumber(blobs: Blobs) -> str:
    """Two seals change places, and say so."""
    second, third = [msgspec.json.decode(await blobs.read(seal_path(number)), type=Seal) for number in (2, 3)]
    await blobs.write(seal_path(2), msgspec.json.encode(msgspec.structs.replace(third, number=2)))
    await blobs.write(seal_path(3), msgspec.json.encode(msgspec.structs.replace(second, number=3)))
    return seal_path(2)


async def rewrite_with_its_hash(blobs: Blobs) -> str:
    """A record is made cheaper, and the seal that covers it is made to fit; the next one still knows it as it was."""
    seal_2 = msgspec.json.decode(await blobs.read(seal_path(2)), type=Seal)
    first, *others = seal_2.blobs
    data = (await blobs.read(first.name)).replace(b'"cost_microusd":10', b'"cost_microusd":11')
    await blobs.write(first.name, data)
    changed = msgspec.structs.replace(first, sha256=sha256_hex(data))
    made = msgspec.structs.replace(seal_2, blobs=(changed, *others))
    await blobs.write(seal_path(2), msgspec.json.encode(made))
    return seal_path(2)


async def lower_a_sum_in_the_newest(blobs: Blobs) -> str:
    newest = msgspec.json.decode(await blobs.read(seal_path(3)), type=Seal)
    totals = tuple(msgspec.structs.replace(total, spent_microusd=0) for total in newest.balance.totals)
    balance = msgspec.structs.replace(newest.balance, totals=totals)
    await blobs.write(seal_path(3), msgspec.json.encode(msgspec.structs.replace(newest, balance=balance)))
    return seal_path(3)


async def forge(blobs: Blobs) -> str:
    name = sealed_blob_path("ten_a", TODAY, 1, "f" * 64)
    await blobs.write(name, join_lines([encode(free(99))]))
    return name


async def forge_for_later(blobs: Blobs) -> str:
    name = sealed_blob_path("ten_a", TODAY, 9, "f" * 64)
    await blobs.write(name, join_lines([encode(free(99))]))
    return name


async def forge_of_no_number(blobs: Blobs) -> str:
    name = f"{ledger_folder('ten_a')}{TODAY}/other"
    await blobs.write(name, join_lines([encode(free(99))]))
    return name


async def garble(blobs: Blobs) -> str:
    await blobs.write(seal_path(1), b"{")
    return seal_path(1)


@pytest.mark.parametrize(
    "tamper",
    [
        flip,
        take_away,
        take_a_seal_away,
        swap_seals,
        renumber,
        rewrite_with_its_hash,
        lower_a_sum_in_the_newest,
        forge,
        forge_for_later,
        forge_of_no_number,
        garble,
    ],
)
async def test_tampering_is_found_where_it_was_done(ledger: Blobs, tamper: Callable[[Blobs], Awaitable[str]]) -> None:
    place = await tamper(ledger)
    assert (await verify(ledger)).fault.startswith(place)


async def test_what_a_sealing_that_was_cut_off_left_is_no_fault(ledger: Blobs) -> None:
    """Its records are those of a seal, word for word."""
    name = await blob_of(ledger, 2)
    await ledger.write(sealed_blob_path("ten_a", TODAY, 1, "e" * 64), await ledger.read(name))
    assert (await verify(ledger)).fault == ""


async def test_a_cut_off_end_shows_in_number_and_head(ledger: Blobs) -> None:
    before = await verify(ledger)
    await ledger.erase(await blob_of(ledger, 3))
    await ledger.erase(seal_path(3))
    for name in await ledger.names(ledger_folder("ten_b")):
        if "0000000003" in name:
            await ledger.erase(name)
    after = await verify(ledger)
    assert after.fault == "" and (after.seals, after.head) != (before.seals, before.head)
