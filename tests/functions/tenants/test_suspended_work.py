"""The work of a suspended tenant waits, and goes on where it stood; an emptied Redis lets nobody in."""

import asyncio

import msgspec
import pytest

from shared.access.credentials import Credentials
from shared.access.gate import Gate
from shared.access.revocations import Revocations
from shared.records.structs import TenantRecord
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.types.errors import Forbidden
from shared.types.principal import Principal
from tests.pipeline.suite import TENANT, Suite

ACTIVE = TenantRecord(TENANT, "a tenant", "enterprise", now())
SUSPENDED = msgspec.structs.replace(ACTIVE, suspended=True)


async def test_queued_stages_wait_and_go_on_when_the_tenant_is_resumed(suite: Suite, redis: RedisClient) -> None:
    accounts = suite.services.accounts
    await accounts.keep_tenant(ACTIVE)
    document = await suite.upload()
    assert await suite.step("parse") is not None
    await accounts.keep_tenant(SUSPENDED)
    await suite.run_dry()
    status = await suite.status(document.document_id)
    assert status != "ready" and await suite.queued() == {}
    for emptied in (False, True):
        if emptied:
            await redis.call("DEL", f"tenant:{TENANT}")
        await suite.forget_recent()
        await suite.tick()
        assert await suite.queued() == {}
        assert (await suite.run("parse", suite.stored(document))).status == 204
        assert await suite.status(document.document_id) == status
    await accounts.keep_tenant(ACTIVE)
    await suite.tick()
    await suite.run_dry()
    assert await suite.status(document.document_id) == "ready"


async def test_an_emptied_redis_does_not_lift_a_suspension(suite: Suite, redis: RedisClient) -> None:
    accounts = suite.services.accounts
    await accounts.keep_tenant(ACTIVE)
    _, key = await accounts.create_key(TENANT, "a key", "admin")
    gate = Gate(Credentials(accounts), redis)
    await gate.admit(key, "default")
    await accounts.keep_tenant(SUSPENDED)
    for _ in range(2):
        with pytest.raises(Forbidden, match="suspended"):
            await gate.admit(key, "default")
        await redis.call("FLUSHALL")
    await accounts.keep_tenant(ACTIVE)
    await gate.admit(key, "default")


async def test_open_streams_end(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.access.revocations.LOOK_S", 0.01)
    accounts = suite.services.accounts
    await accounts.keep_tenant(ACTIVE)
    with Revocations(accounts).watching(Principal(TENANT, "key_a", "reader")) as ended:
        await asyncio.sleep(0.05)
        assert not ended.done()
        await accounts.keep_tenant(SUSPENDED)
        await asyncio.wait_for(ended, 60)
