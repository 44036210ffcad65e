"""Where slices wait for the pool: a list for each tenant, and turns among tenants by pages.

Deficit round robin: in its turn a tenant may take as many pages as a slice holds, and what it did not use it keeps for
its next turn. So nobody waits longer than one slice of every other tenant takes, however long their documents are.
Redis holds nothing that could be lost: from an emptied one the sweep says again what every document waits for.
"""

import asyncio
import secrets
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from events.document import DocumentStored
from shared.parsing.limits import SLICE_PAGES
from shared.parsing.pages import PageRange
from shared.pool import scripts
from shared.redis.client import RedisClient, RedisWord

LEASE_S = 15.0
KEPT_S = 7 * 86400
POOL_SEEN_S = 60
_POOL = "pool:seen"


class Claim(Struct, frozen=True):
    """A slice that is ours to read, until its lease runs out. `attempts` counts how often it failed or was lost;
    `began` is when the first slice of its document was taken, which `is_first` says this one is."""

    token: str
    tenant_id: str
    document_id: str
    generation: int
    pages: PageRange
    charge: int
    attempts: int
    event: DocumentStored
    began: datetime
    is_first: bool


class Depth(Struct, frozen=True):
    slices: int
    pages: int
    oldest_wait_s: float


class SliceQueue:
    """Raises `StoreUnavailable`. `bell` rings when this process puts something in."""

    def __init__(self, redis: RedisClient, lease_s: float = LEASE_S) -> None:
        self._redis = redis
        self._lease_ms = round(lease_s * 1000)
        self.lease_s = lease_s
        self.bell = asyncio.Event()

    async def put(self, event: DocumentStored, slices: Sequence[PageRange]) -> bool:
        """Whether the document is new here; one that waits keeps its place."""
        about = event.origin
        words = [_waiting(about.document_id, about.generation, one, _charge(event, one)) for one in slices]
        job = _job(about.tenant_id, about.document_id, about.generation)
        text = msgspec.json.encode(event).decode()
        is_new = await self._redis.run(scripts.PUT, [job], [about.tenant_id, text, SLICE_PAGES, KEPT_S, *words])
        self.bell.set()
        return bool(is_new)

    async def claim(self) -> Claim | None:
        """The next slice; what a holder that died had claimed comes first."""
        token = secrets.token_hex(8)
        found = await self._redis.run(scripts.CLAIM, [], [token, self._lease_ms, SLICE_PAGES, KEPT_S])
        return _claim(token, *found) if found else None

    async def renew(self, tokens: Collection[str]) -> set[str]:
        """Keeps claims ours; returns those that are so no longer: lost, or their document is cancelled."""
        if not tokens:
            return set()
        arguments: list[RedisWord] = [self._lease_ms, KEPT_S, *tokens]
        lost: list[str] = await self._redis.run(scripts.RENEW, [], arguments)
        return set(lost)

    async def done(self, claim: Claim, read: int, more: Sequence[PageRange] = ()) -> int | None:
        """The slice is kept; `read` is how many pages it had, `more` what is to be read besides. Returns how many
        slices of the document are left; with 0 the claim stays ours until `end`. None where it is not ours any more."""
        words = [_waiting(claim.document_id, claim.generation, one, len(one)) for one in more]
        arguments: list[RedisWord] = [claim.token, claim.tenant_id, claim.charge - read, SLICE_PAGES, KEPT_S, *words]
        left = int(await self._redis.run(scripts.DONE, [self._job_of(claim)], arguments))
        self.bell.set()
        return None if left < 0 else left

    async def fail(self, claim: Claim, pause_s: float) -> None:
        """It is tried again after the pause, by whoever comes."""
        await self._redis.run(scripts.FAIL, [], [claim.token, round(pause_s * 1000)])

    async def alone(self, claim: Claim) -> bool:
        """Takes out the document's other slices, for its end is known. False where the claim is not ours any more."""
        arguments = [claim.tenant_id, _prefix(claim.document_id, claim.generation), claim.token]
        return int(await self._redis.run(scripts.ALONE, [self._job_of(claim)], arguments)) >= 0

    async def end(self, claim: Claim) -> None:
        await self.cancel(claim.tenant_id, claim.document_id, claim.generation)

    async def cancel(self, tenant_id: str, document_id: str, generation: int) -> None:
        """What waits goes; what is at work loses its claim, and is ended by its pool."""
        job = _job(tenant_id, document_id, generation)
        await self._redis.run(scripts.CANCEL, [job], [tenant_id, _prefix(document_id, generation)])

    async def show_pool(self) -> None:
        """Somebody takes from here; it has to be shown again before `POOL_SEEN_S` are over."""
        await self._redis.call("SET", _POOL, "1", "EX", POOL_SEEN_S)

    async def holds(self, tenant_id: str, document_id: str, generation: int) -> bool:
        """Whether the document waits here or is at work, and somebody takes from here."""
        return int(await self._redis.call("EXISTS", _POOL, _job(tenant_id, document_id, generation))) == 2

    async def depth(self) -> Depth:
        slices, pages, wait_ms = await self._redis.run(scripts.DEPTH)
        return Depth(int(slices), int(pages), int(wait_ms) / 1000)

    async def void_claims(self) -> None:
        """Ends every lease: for the one owner of a server at its start, when no holder can be alive."""
        await self._redis.run(scripts.VOID)

    def _job_of(self, claim: Claim) -> str:
        return _job(claim.tenant_id, claim.document_id, claim.generation)


def _job(tenant_id: str, document_id: str, generation: int) -> str:
    return f"pool:job:{tenant_id}:{document_id}:{generation}"


def _prefix(document_id: str, generation: int) -> str:
    return f"{document_id}|{generation}|"


def _waiting(document_id: str, generation: int, pages: PageRange, charge: int) -> str:
    """As it stands in the tenant's list, but for the time, which is Redis' own."""
    return f"{_prefix(document_id, generation)}{pages.first}|{pages.until}|{charge}|0"


def _charge(event: DocumentStored, pages: PageRange) -> int:
    """A picture is mostly one page; of other documents nobody knows yet, and what is too much is given back."""
    return 1 if event.media_type.startswith("image/") else len(pages) or SLICE_PAGES


def _claim(token: str, tenant_id: str, word: str, event: str, began_ms: str, is_first: int) -> Claim:
    document_id, generation, first, last, charge, attempts, _ = word.split("|")
    return Claim(
        token=token,
        tenant_id=tenant_id,
        document_id=document_id,
        generation=int(generation),
        pages=PageRange(int(first), int(last)),
        charge=int(charge),
        attempts=int(attempts),
        event=msgspec.json.decode(event, type=DocumentStored),
        began=datetime.fromtimestamp(int(began_ms) / 1000, UTC),
        is_first=bool(is_first),
    )
