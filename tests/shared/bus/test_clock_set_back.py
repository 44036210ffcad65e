"""A clock that is set back by two hours delays nothing: what Redis holds is due when it was, or soon after."""

import asyncio
from datetime import timedelta

import msgspec
import pytest

from shared.erasure.compaction import Compaction, request_compaction
from shared.graph.absent import AbsentGraph
from shared.idempotency.calls import IdempotentCall, IdempotentCalls, StoredAnswer
from shared.pool.queue import SliceQueue
from shared.proxy.routing.shared_slots import SharedSlots
from shared.redis.client import RedisClient
from shared.redis.leases import Leases
from shared.runtime.events.delivery import EventDelivery
from shared.types.clock import now
from shared.types.errors import Conflict
from shared.types.undelivered import UndeliveredEvent
from tests.pipeline.suite import SECRETS, TENANT, Suite
from tests.shared.pool.test_turns import document, slices

BACK_S = 7200


async def set_back(redis: RedisClient) -> None:
    """Puts what is there to where it stands after the clock of Redis was set back."""
    async for key in redis.scan("*"):
        if (remaining_ms := await redis.call("PTTL", key)) > 0:
            await redis.call("PEXPIRE", key, remaining_ms + BACK_S * 1000)
        if await redis.call("TYPE", key) == "zset":
            unit = 1_000_000 if key.endswith(":waiting") else 1000
            for member in await redis.call("ZRANGE", key, 0, -1):
                await redis.call("ZINCRBY", key, BACK_S * unit, member)


async def test_a_killed_holders_lease_ends_within_its_seconds(redis: RedisClient) -> None:
    leases = Leases(redis)
    for look in (leases.is_held("a"), leases.hold("a").__aenter__()):
        await redis.call("SET", "lease:a", "a killed process", "PX", 20_000)
        await set_back(redis)
        await look
        assert 0 < await redis.call("PTTL", "lease:a") <= 20_000


async def test_the_sweep_publishes_again_at_once(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.bus.acknowledge((await suite.bus.receive("parse", 1, 1))[0], None)
    await suite.redis.call("SET", f"sweep:quiet:{TENANT}:{record.document_id}:1", "1", "EX", 60)
    await suite.tick()
    assert await suite.queued() == {}
    await set_back(suite.redis)
    await suite.tick()
    assert await suite.queued() == {"parse": 1}


async def test_a_dead_letter_is_replayed_at_once(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    await suite.upload("a text")
    (received,) = await suite.bus.receive("parse", 1, 1)
    await suite.bus.acknowledge(received, None)
    await EventDelivery(suite.table.function("failed"), suite.services, SECRETS).dead_letter(
        UndeliveredEvent(received.event, "parse", 503, "a store was away", 5)
    )
    await suite.tick()
    assert await suite.queued() == {}
    monkeypatch.setattr("functions.sweep.dead_letters.now", lambda: now() - timedelta(seconds=BACK_S))
    await suite.tick()
    assert await suite.queued() == {"parse": 1}


async def test_slices_of_a_killed_pool_are_claimed_again(redis: RedisClient) -> None:
    queue = SliceQueue(redis, lease_s=0.05)
    await queue.put(document(TENANT, "doc_a"), slices(5))
    await queue.mark_pool_alive()
    assert await queue.claim()
    await set_back(redis)
    assert not await queue.holds(TENANT, "doc_a", 1), "the mark of a pool that is gone"
    await queue.claim()
    await asyncio.sleep(0.06)
    claim = await queue.claim()
    assert claim
    assert claim.attempts == 1


async def test_slots_of_a_killed_process_come_free(redis: RedisClient) -> None:
    slots = SharedSlots(lambda: redis, "cloud", 1, lease_s=0.3)
    await redis.call("ZADD", "slots:cloud:held", 10**12 * 2, "held by a killed process")
    await redis.call("ZADD", "slots:cloud:waiting", 0, "waited in it")
    await redis.call("ZADD", "slots:cloud:asked", 10**12 * 2, "waited in it")
    async with slots.hold(20):
        pass
    await slots.close()


async def test_a_killed_call_holds_its_key_for_its_time_out_and_a_stored_answer_stays(redis: RedisClient) -> None:
    calls = IdempotentCalls(redis, TENANT, "key_a", "POST:/ask", "a secret")
    call = await calls.begin("one", "the body", 60)
    assert isinstance(call, IdempotentCall)
    await set_back(redis)
    with pytest.raises(Conflict):
        await calls.begin("one", "the body", 60)
    (key,) = [key async for key in redis.scan("idempotency:*")]
    assert await redis.call("PTTL", key) <= 60_000
    answer = StoredAnswer(200, "application/json", msgspec.json.encode({"a": 1}))
    await call.finish(answer)
    assert await calls.begin("one", "the body", 60) == answer
    assert await redis.call("TTL", key) > 23 * 3600


async def test_a_compaction_that_waits_for_its_pause_is_due_at_once(suite: Suite) -> None:
    compacted = list[str]()

    class CompactedIndex:
        async def compact(self, token: str) -> bool:
            compacted.append(token)
            return True

    compaction = Compaction(suite.redis, CompactedIndex(), AbsentGraph())  # type: ignore[arg-type]
    for _ in range(2):
        await request_compaction(suite.redis)
        await compaction.run()
    assert len(compacted) == 1, "the second waits"
    await set_back(suite.redis)
    await compaction.run()
    assert len(compacted) == 2
