"""The queue of slices that wait for the pool: one list per tenant, scheduled among tenants by pages.

Deficit round robin: in its turn a tenant may take as many pages as a slice holds, and carries what it did not use over
to its next turn. So a tenant waits at most for one slice of every other tenant, however long their documents are.
Nothing is lost with Redis: the sweep publishes again the event that each document waits for.
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
from shared.redis.marks import is_marked

LEASE_S = 15.0
RETENTION_S = 7 * 86400
POOL_ALIVE_S = 60
_LONGEST_LEASE_MS = 3_600_000
"""No lease lasts longer, the pause of a slice that failed included."""
_POOL = "pool:seen"


class Claim(Struct, frozen=True):
    """A slice leased to this process. `attempts` counts how often it failed or its lease expired; `cost` is in pages;
    `started_at` is when the first slice of its document was claimed, which is this one where `is_first`."""

    token: str
    tenant_id: str
    document_id: str
    generation: int
    pages: PageRange
    cost: int
    attempts: int
    event: DocumentStored
    started_at: datetime
    is_first: bool


class Depth(Struct, frozen=True):
    slices: int
    pages: int
    oldest_wait_s: float


class SliceQueue:
    """Every method raises `StoreUnavailable`. `changed` is set when this process adds slices."""

    def __init__(self, redis: RedisClient, lease_s: float = LEASE_S) -> None:
        self._redis = redis
        self._lease_ms = round(lease_s * 1000)
        self.lease_s = lease_s
        self.changed = asyncio.Event()

    async def put(self, event: DocumentStored, slices: Sequence[PageRange]) -> bool:
        """Adds a document's slices; False where the document is queued already, which keeps its place."""
        about = event.origin
        # A picture is mostly one page; other documents are not opened yet, and what is too much is refunded.
        costs = [1 if event.media_type.startswith("image/") else len(one) or SLICE_PAGES for one in slices]
        words = [
            _waiting(about.document_id, about.generation, one, cost) for one, cost in zip(slices, costs, strict=True)
        ]
        job = _job(about.tenant_id, about.document_id, about.generation)
        text = msgspec.json.encode(event).decode()
        is_new = await self._redis.run(scripts.PUT, [job], [about.tenant_id, text, SLICE_PAGES, RETENTION_S, *words])
        self.changed.set()
        return bool(is_new)

    async def claim(self) -> Claim | None:
        """Claims the next slice; slices whose lease has expired come first."""
        token = secrets.token_hex(8)
        arguments: list[RedisWord] = [token, self._lease_ms, SLICE_PAGES, RETENTION_S, _LONGEST_LEASE_MS]
        found = await self._redis.run(scripts.CLAIM, [], arguments)
        return _claim(token, *found) if found else None

    async def renew(self, tokens: Collection[str]) -> set[str]:
        """Renews leases; returns the tokens of claims that are lost: expired, or their document is cancelled."""
        if not tokens:
            return set()
        arguments: list[RedisWord] = [self._lease_ms, RETENTION_S, *tokens]
        lost: list[str] = await self._redis.run(scripts.RENEW, [], arguments)
        return set(lost)

    async def complete(self, claim: Claim, read: int, more: Sequence[PageRange] = ()) -> int | None:
        """Removes a slice that was read; `read` is how many pages it had, `more` what is to be read besides. Returns
        how many slices of the document are left; with 0 the claim lasts until `end_document`. None where it is lost."""
        words = [_waiting(claim.document_id, claim.generation, one, len(one)) for one in more]
        arguments: list[RedisWord] = [claim.token, claim.tenant_id, claim.cost - read, SLICE_PAGES, RETENTION_S, *words]
        left = int(await self._redis.run(scripts.COMPLETE, [self._job_of(claim)], arguments))
        self.changed.set()
        return None if left < 0 else left

    async def retry_later(self, claim: Claim, pause_s: float) -> None:
        """Makes the slice claimable by any process after the pause; this attempt counts as failed."""
        await self._redis.run(scripts.RETRY, [], [claim.token, round(pause_s * 1000)])

    async def drop_other_slices(self, claim: Claim) -> bool:
        """Removes the document's other slices, for its outcome is known. False where the claim is lost."""
        arguments = [claim.tenant_id, _prefix(claim.document_id, claim.generation), claim.token]
        return int(await self._redis.run(scripts.DROP_OTHERS, [self._job_of(claim)], arguments)) >= 0

    async def end_document(self, claim: Claim) -> None:
        await self.cancel(claim.tenant_id, claim.document_id, claim.generation)

    async def cancel(self, tenant_id: str, document_id: str, generation: int) -> None:
        """Removes the document's slices; those that are being read lose their claim, and their pool stops them."""
        job = _job(tenant_id, document_id, generation)
        await self._redis.run(scripts.CANCEL, [job], [tenant_id, _prefix(document_id, generation)])

    async def mark_pool_alive(self) -> None:
        """Records that a pool reads from this queue; to be repeated before `POOL_ALIVE_S` are over."""
        await self._redis.call("SET", _POOL, "1", "EX", POOL_ALIVE_S)

    async def holds(self, tenant_id: str, document_id: str, generation: int) -> bool:
        """Whether the document is queued or being read, and a pool is alive."""
        is_queued = bool(await self._redis.call("EXISTS", _job(tenant_id, document_id, generation)))
        return is_queued and await is_marked(self._redis, _POOL, POOL_ALIVE_S)

    async def depth(self) -> Depth:
        slices, pages, wait_ms = await self._redis.run(scripts.DEPTH)
        return Depth(int(slices), int(pages), int(wait_ms) / 1000)

    async def void_claims(self) -> None:
        """Ends every lease: for the only process on a server at its start, when no holder can be alive."""
        await self._redis.run(scripts.VOID)

    def _job_of(self, claim: Claim) -> str:
        return _job(claim.tenant_id, claim.document_id, claim.generation)


def _job(tenant_id: str, document_id: str, generation: int) -> str:
    return f"pool:job:{tenant_id}:{document_id}:{generation}"


def _prefix(document_id: str, generation: int) -> str:
    return f"{document_id}|{generation}|"


def _waiting(document_id: str, generation: int, pages: PageRange, cost: int) -> str:
    """The entry in the tenant's list without its time, which Redis adds."""
    return f"{_prefix(document_id, generation)}{pages.first}|{pages.until}|{cost}|0"


def _claim(token: str, tenant_id: str, word: str, event: str, started_ms: str, is_first: int) -> Claim:
    document_id, generation, first, last, cost, attempts, _ = word.split("|")
    return Claim(
        token=token,
        tenant_id=tenant_id,
        document_id=document_id,
        generation=int(generation),
        pages=PageRange(int(first), int(last)),
        cost=int(cost),
        attempts=int(attempts),
        event=msgspec.json.decode(event, type=DocumentStored),
        started_at=datetime.fromtimestamp(int(started_ms) / 1000, UTC),
        is_first=bool(is_first),
    )
