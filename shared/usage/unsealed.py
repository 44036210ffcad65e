"""The journal's blobs that no seal covers yet, and the book as a whole at one moment."""

from msgspec import Struct

from shared.blobs.port import BlobMissing, Blobs
from shared.types.clock import now
from shared.types.errors import StoreUnavailable
from shared.usage.balance import Balance, carried, lacks_outbound
from shared.usage.journal import UNSEALED
from shared.usage.lines import known, split
from shared.usage.records import Record
from shared.usage.seals import Chain, Link
from shared.usage.together import together

_TRIES = 20


class Unsealed(Struct, frozen=True):
    """Lines by the name of their blob, in the order of the names. `left` are blobs that the newest seal covers and a
    crash left behind."""

    newest: Link | None
    lines: dict[str, list[bytes]]
    left: tuple[str, ...] = ()

    @property
    def balance(self) -> Balance:
        """As of the newest seal."""
        return self.newest.seal.balance if self.newest else Balance()

    @property
    def number(self) -> int:
        """Of the newest seal; 0 where there is none."""
        return self.newest.seal.number if self.newest else 0

    @property
    def records(self) -> list[Record]:
        return [record for lines in self.lines.values() for line in lines if (record := known(line)) is not None]


async def unsealed(blobs: Blobs, chain: Chain) -> Unsealed | None:
    """What was there after the newest seal was read; None where another sealed meanwhile.

    A list of names is made page by page: a usage record may be seen whose outbound record, written before it, was
    not. A second list shows it.
    """
    newest = await chain.newest()
    consumed = set(newest.seal.consumed) if newest else set()
    found = Unsealed(newest, {})
    for _ in range(2):
        names = await blobs.names(UNSEALED)
        fresh = [name for name in names if name not in consumed and name not in found.lines]
        left = tuple(name for name in names if name in consumed)
        try:
            contents = await together(blobs.read, fresh)
        except BlobMissing:
            return None
        lines = {name: split(data) for name, data in zip(fresh, contents, strict=True)}
        found = Unsealed(newest, dict(sorted({**found.lines, **lines}.items())), left)
        if not lacks_outbound(found.balance, found.records):
            break
    return found


async def whole(blobs: Blobs, chain: Chain) -> Unsealed:
    """The newest seal with all that came after it. Raises `StoreUnavailable`."""
    for _ in range(_TRIES):
        found = await unsealed(blobs, chain)
        if found is not None and await chain.link(found.number + 1) is None:
            return found
    raise StoreUnavailable("blobs", "the book is sealed faster than it can be read")


async def balance_now(blobs: Blobs, chain: Chain) -> Balance:
    found = await whole(blobs, chain)
    return carried(found.balance, found.records, now())
