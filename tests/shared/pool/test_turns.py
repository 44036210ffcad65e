"""Tenants take turns by pages: however long the documents of one are, the others wait no longer than their share."""

import asyncio
import subprocess
import sys
from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.document import DocumentStored, Origin
from shared.parsing.limits import SLICE_PAGES
from shared.parsing.pages import OPENING, PageRange
from shared.pool.queue import Claim, SliceQueue
from shared.redis.client import RedisClient
from shared.redis.connection import over_url


def document(tenant: str, name: str, generation: int = 1) -> DocumentStored:
    return DocumentStored(
        origin=Origin(tenant, name, generation, "gpu"),
        key="stored",
        original=f"t/{tenant}/d/{name}/{generation}/original",
        filename="a.pdf",
        media_type="application/pdf",
        parser="paged",
        size=1,
    )


def slices(pages: int) -> list[PageRange]:
    return [PageRange(first, min(first + SLICE_PAGES - 1, pages)) for first in range(1, pages + 1, SLICE_PAGES)]


@pytest.fixture
def queue(redis: RedisClient) -> SliceQueue:
    return SliceQueue(redis)


async def claim_next(queue: SliceQueue) -> Claim:
    claim = await queue.claim()
    assert claim
    return claim


async def test_a_long_document_delays_the_others_by_one_slice_for_each_of_theirs(queue: SliceQueue) -> None:
    await queue.put(document("ten_long", "doc_long"), slices(500))
    for tenant in ("ten_b", "ten_c"):
        for number in range(4):
            await queue.put(document(tenant, f"doc_{number}"), slices(10))
    order: list[Claim] = []
    while claim := await queue.claim():
        order.append(claim)
        await queue.complete(claim, len(claim.pages))
    pages_before = {
        claim.tenant_id: sum(len(other.pages) for other in order[:place]) for place, claim in enumerate(order)
    }
    # A turn is 20 pages, so 40 pages of short documents are through after two rounds of three tenants.
    assert pages_before["ten_b"] <= 2 * 3 * SLICE_PAGES and pages_before["ten_c"] <= 2 * 3 * SLICE_PAGES
    assert Counter(claim.tenant_id for claim in order) == {"ten_long": 25, "ten_b": 4, "ten_c": 4}


async def test_who_comes_while_a_long_document_is_read_waits_for_one_of_its_slices(queue: SliceQueue) -> None:
    await queue.put(document("ten_long", "doc_long"), slices(500))
    for _ in range(3):
        await claim_next(queue)
    await queue.put(document("ten_b", "doc_1"), [OPENING])
    assert "ten_b" in [(await claim_next(queue)).tenant_id for _ in range(2)]


async def test_what_a_document_turns_out_not_to_have_is_given_back(queue: SliceQueue) -> None:
    """Before a document is opened it is taken for a whole slice; one with a single page is charged for that."""
    await queue.put(document("ten_long", "doc_long"), slices(500))
    for number in range(60):
        await queue.put(document("ten_b", f"doc_{number}"), [OPENING])
    taken: Counter[str] = Counter()
    pages: Counter[str] = Counter()
    for _ in range(48):
        claim = await claim_next(queue)
        read = 1 if claim.tenant_id == "ten_b" else len(claim.pages)
        taken[claim.tenant_id] += 1
        pages[claim.tenant_id] += read
        await queue.complete(claim, read)
    assert taken["ten_b"] > 3 * taken["ten_long"], "twenty documents of a page weigh as much as one slice"


class Model:
    """Deficit round robin as it stands in the books, one list and one purse for each tenant."""

    def __init__(self) -> None:
        self.ring: deque[str] = deque()
        self.remaining_budget: dict[str, int] = {}
        self.lists: dict[str, deque[int]] = {}

    def put(self, tenant: str, cost: int) -> None:
        self.lists.setdefault(tenant, deque()).append(cost)
        if tenant not in self.remaining_budget:
            self.remaining_budget[tenant] = SLICE_PAGES
            self.ring.append(tenant)

    def claim(self) -> tuple[str, int] | None:
        while self.ring:
            tenant = self.ring[0]
            if not self.lists[tenant]:
                self.ring.popleft()
                del self.remaining_budget[tenant]
            elif self.lists[tenant][0] <= self.remaining_budget[tenant]:
                self.remaining_budget[tenant] -= self.lists[tenant][0]
                return tenant, self.lists[tenant].popleft()
            else:
                self.remaining_budget[tenant] += SLICE_PAGES
                self.ring.rotate(-1)
        return None

    def refund(self, tenant: str, pages: int) -> None:
        if tenant in self.remaining_budget:
            self.remaining_budget[tenant] += pages


_PUT = st.tuples(st.sampled_from(["ten_a", "ten_b", "ten_c"]), st.integers(1, SLICE_PAGES))
_STEPS = st.lists(st.one_of(_PUT, st.floats(0, 1).map(lambda share: share)), max_size=60)


@settings(max_examples=60, deadline=None)
@given(steps=_STEPS)
def test_turns_are_those_of_a_simple_model(valkey: str, steps: list[tuple[str, int] | float]) -> None:
    """A tuple puts a slice of so many pages; a number claims one and gives back that share of its charge."""
    asyncio.run(_compare(valkey, steps))


async def _compare(url: str, steps: list[tuple[str, int] | float]) -> None:
    redis = over_url(url, connections=2, answer_s=5)
    try:
        await redis.call("FLUSHDB")
        await _walk(SliceQueue(redis), steps)
    finally:
        await redis.close()


async def _walk(queue: SliceQueue, steps: list[tuple[str, int] | float]) -> None:
    model = Model()
    waiting: Counter[str] = Counter()
    for number, step in enumerate([*steps, *([0.0] * 60)]):
        if isinstance(step, tuple):
            tenant, cost = step
            model.put(tenant, cost)
            waiting[tenant] += cost
            await queue.put(document(tenant, f"doc_{number}"), [PageRange(1, cost)])
            continue
        claim, expected = await queue.claim(), model.claim()
        assert (claim and (claim.tenant_id, claim.cost)) == expected
        if claim:
            given_back = int(step * claim.cost)
            waiting[claim.tenant_id] -= claim.cost
            model.refund(claim.tenant_id, given_back)
            await queue.complete(claim, claim.cost - given_back)
            await queue.end_document(claim)
        depth = await queue.depth()
        assert depth.pages == sum(waiting.values())
    assert (await queue.depth()).slices == 0


async def test_a_claim_whose_holder_died_comes_back_when_its_lease_runs_out(redis: RedisClient) -> None:
    queue = SliceQueue(redis, lease_s=0.05)
    await queue.put(document("ten_a", "doc_1"), slices(40))
    lost = await claim_next(queue)
    await asyncio.sleep(0.06)
    again = await claim_next(queue)
    assert (again.pages, again.attempts, again.token != lost.token) == (lost.pages, 1, True)
    assert await queue.complete(lost, 20) is None, "the first holder's claim is gone"
    assert await queue.complete(again, 20) == 1


async def test_a_claim_that_is_renewed_stays(redis: RedisClient) -> None:
    queue = SliceQueue(redis, lease_s=1)
    await queue.put(document("ten_a", "doc_1"), slices(20))
    claim = await claim_next(queue)
    for _ in range(4):
        await asyncio.sleep(0.3)
        assert await queue.renew([claim.token]) == set()
    assert await queue.claim() is None
    assert await queue.complete(claim, 20) == 0


async def test_a_deleted_document_leaves_the_queue_and_whoever_reads_it_learns_so(queue: SliceQueue) -> None:
    await queue.put(document("ten_a", "doc_1"), slices(100))
    await queue.put(document("ten_a", "doc_2"), slices(20))
    claim = await claim_next(queue)
    await queue.cancel("ten_a", "doc_1", 1)
    assert not await queue.holds("ten_a", "doc_1", 1)
    assert await queue.renew([claim.token]) == {claim.token}
    assert await queue.complete(claim, 20, slices(20)) is None
    assert (await queue.depth()).slices == 1
    assert (await claim_next(queue)).document_id == "doc_2" and await queue.claim() is None


async def test_another_life_of_the_document_is_another_document(queue: SliceQueue) -> None:
    await queue.put(document("ten_a", "doc_1", generation=1), slices(20))
    await queue.put(document("ten_a", "doc_1", generation=11), slices(20))
    await queue.cancel("ten_a", "doc_1", 1)
    assert (await claim_next(queue)).generation == 11


async def test_a_document_that_is_said_again_keeps_its_place(queue: SliceQueue) -> None:
    assert await queue.put(document("ten_a", "doc_1"), [OPENING])
    assert not await queue.put(document("ten_a", "doc_1"), [OPENING])
    assert (await queue.depth()).slices == 1


async def test_one_reader_is_told_that_the_document_is_done(queue: SliceQueue) -> None:
    await queue.put(document("ten_a", "doc_1"), [OPENING])
    opened = await claim_next(queue)
    assert await queue.complete(opened, 20, [PageRange(21, 40), PageRange(41, 45)]) == 2
    one, other = await claim_next(queue), await claim_next(queue)
    assert sorted([await queue.complete(one, 20), await queue.complete(other, 5)], key=str) == [0, 1]


async def test_nothing_stays_for_ever_in_redis(redis: RedisClient) -> None:
    queue = SliceQueue(redis)
    for number in range(3):
        await queue.put(document("ten_a", f"doc_{number}"), slices(60))
    claim = await claim_next(queue)
    await queue.retry_later(claim, 1)
    await queue.complete(await claim_next(queue), 20, [PageRange(1, 1)])
    keys = [key async for key in redis.scan("*")]
    assert len(keys) >= 8 and all([await redis.call("TTL", key) > 0 for key in keys])


_CLAIMER = """
import asyncio, sys
from shared.redis.connection import over_url
from shared.pool.queue import SliceQueue

async def main(url):
    counters = over_url(url, answer_s=5)
    queue = SliceQueue(counters)
    await counters.ping()
    print("ready", flush=True)
    sys.stdin.readline()
    while claim := await queue.claim():
        print(claim.document_id, claim.pages.first, flush=True)
        await asyncio.sleep(0.002)
        await queue.complete(claim, len(claim.pages))

asyncio.run(main(sys.argv[1]))
"""


async def test_two_pools_never_claim_the_same_slice(queue: SliceQueue, redis_url: str) -> None:
    for number in range(4):
        await queue.put(document(f"ten_{number % 2}", f"doc_{number}"), slices(500))
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _CLAIMER, redis_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    claimed = [(await asyncio.to_thread(process.communicate))[0].splitlines() for process in started]
    assert all(len(lines) > 10 for lines in claimed), "both took part"
    assert sorted(Counter(claimed[0] + claimed[1]).values()) == [1] * 100
