"""Reads the journal's blobs that no seal covers yet, and with the newest seal the balance of now."""

import asyncio

from msgspec import Struct

from shared.blobs.port import BlobMissing, Blobs
from shared.types.clock import now
from shared.types.errors import StoreUnavailable
from shared.usage.balance import Balance, add_records, lacks_outbound
from shared.usage.codec import decode_known
from shared.usage.concurrency import map_concurrently
from shared.usage.journal import UNSEALED
from shared.usage.records import Record
from shared.usage.seal_chain import ChainedSeal, SealChain

_ATTEMPTS = 20


class UnsealedRecords(Struct, frozen=True):
    """Lines by the name of their blob, in the order of the names, and the records of those that this revision knows.
    `leftover` are blobs that the newest seal covers and a crash left behind."""

    newest: ChainedSeal | None
    lines: dict[str, list[bytes]]
    leftover: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()

    @property
    def balance(self) -> Balance:
        """As of the newest seal."""
        return self.newest.seal.balance if self.newest else Balance()

    @property
    def number(self) -> int:
        """The number of the newest seal; 0 where there is none."""
        return self.newest.seal.number if self.newest else 0


async def try_read_unsealed(blobs: Blobs, chain: SealChain) -> UnsealedRecords | None:
    """What no seal covered after the newest seal was read; None where another process sealed meanwhile.

    A list of names is made page by page: a usage record may be seen whose outbound record, written before it, was
    not. A second list shows it.
    """
    newest = await chain.newest()
    consumed = set(newest.seal.consumed) if newest else set()
    found = UnsealedRecords(newest, {})
    for _ in range(2):
        names = await blobs.names(UNSEALED)
        fresh = [name for name in names if name not in consumed and name not in found.lines]
        leftover = tuple(name for name in names if name in consumed)
        try:
            contents = await map_concurrently(blobs.read, fresh)
        except BlobMissing:
            return None
        lines = {name: data.splitlines() for name, data in zip(fresh, contents, strict=True)}
        lines = dict(sorted({**found.lines, **lines}.items()))
        found = UnsealedRecords(newest, lines, leftover, await asyncio.to_thread(_decode, lines))
        if not lacks_outbound(found.balance, found.records):
            break
    return found


async def read_unsealed(blobs: Blobs, chain: SealChain, *, is_final: bool = False) -> UnsealedRecords:
    """As `try_read_unsealed`, repeated until it succeeds; with `is_final` no newer seal may exist afterwards.

    Raises `StoreUnavailable`.
    """
    for _ in range(_ATTEMPTS):
        found = await try_read_unsealed(blobs, chain)
        if found is not None and not (is_final and await chain.read(found.number + 1)):
            return found
    raise StoreUnavailable("blobs", "the usage ledger is sealed faster than it can be read")


async def current_balance(blobs: Blobs, chain: SealChain) -> Balance:
    """The newest seal's balance with all records after it. Raises `StoreUnavailable`."""
    found = await read_unsealed(blobs, chain, is_final=True)
    return add_records(found.balance, found.records, now())


def _decode(lines: dict[str, list[bytes]]) -> tuple[Record, ...]:
    found = (decode_known(line) for blob in lines.values() for line in blob)
    return tuple(record for record in found if record is not None)
