"""Every stage run is billed once: not twice when it is told again, and not lost where it was cut off."""

from datetime import timedelta

import pytest

from functions.sweep.storage import StorageMetering
from shared.proxy.budget.caps import Caps
from shared.proxy.budget.operations import ScopeOf
from shared.records.structs import TenantRecord
from shared.types.clock import now
from shared.types.errors import StoreUnavailable
from shared.usage.journal import UNSEALED, Journal
from shared.usage.ledger import UsageLedger
from shared.usage.metering import Meter
from shared.usage.records import Unit, UsageRecord
from tests.pipeline.suite import TENANT, Suite


class Priced:
    """Micro-dollars of a unit."""

    def of(self, unit: Unit) -> int:
        return {"page_parsed": 1_000, "function_second": 10}.get(unit, 0)


async def with_prices(suite: Suite) -> None:
    """An account that pays, and units that cost something."""
    await suite.services.accounts.keep_tenant(TenantRecord(TENANT, "A", "enterprise", now()))
    suite.services.meter = Meter(suite.services.journal, Priced(), lambda: suite.services.budget)


async def cap(suite: Suite, microusd: int | None) -> None:
    await suite.services.budget.change_caps(ScopeOf("tenant", TENANT, TENANT), "operator", Caps(day=microusd))


async def spent(suite: Suite) -> int:
    return (await suite.services.budget.windows([ScopeOf("tenant", TENANT, TENANT)]))[0].spent_microusd


async def billed(suite: Suite) -> list[UsageRecord]:
    return await UsageLedger(suite.blobs).usage(TENANT, now() - timedelta(days=2), now() + timedelta(days=1))


async def test_each_stage_of_a_document_is_one_record(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.run_dry()
    usage = await billed(suite)
    assert [one.function for one in usage] == ["parse", "chunk", "embed", "finish"]
    assert {(one.document_id, one.key_id, one.request_id) for one in usage} == {
        (record.document_id, "key_member", "req_1")
    }
    units = {line.unit: line.quantity for one in usage for line in one.lines}
    assert units["page_parsed"] >= 1 and units["function_second"] >= 1


async def test_a_stage_that_is_called_again_is_billed_once(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.run_dry()
    await suite.run("parse", suite.stored(record))
    assert len(await billed(suite)) == 4


async def test_a_stage_whose_bill_could_not_be_written_is_not_acknowledged_and_billed_by_the_next_delivery(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await suite.store("a text")

    async def fail(_: Journal, record: object) -> None:
        raise StoreUnavailable("blobs", "away")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", fail)
        assert (await suite.run("parse", suite.stored(record))).status == 503
    assert await billed(suite) == []
    assert (await suite.run("parse", suite.stored(record))).status == 200
    assert [one.function for one in await billed(suite)] == ["parse"]
    assert suite.workshop.stages() == ["parse"]


async def test_the_price_of_a_stage_shows_in_its_document(suite: Suite) -> None:
    await with_prices(suite)
    record = await suite.upload("a text")
    await suite.step("parse")
    stage = await suite.records.stage(record.document_id, 1, "parse")
    (usage,) = await billed(suite)
    assert stage is not None
    assert stage.cost_microusd == usage.cost_microusd >= 1_000


async def test_a_document_waits_for_its_tenants_budget_and_goes_on_when_there_is_room(suite: Suite) -> None:
    await with_prices(suite)
    await cap(suite, 500)
    record = await suite.upload("a text")
    await suite.step("parse")
    view = await suite.view(record.document_id)
    assert view and view.waiting_for == "budget"
    assert (await spent(suite), await billed(suite)) == (0, [])
    await cap(suite, 50_000)
    assert (await suite.run("parse", suite.stored(record))).status == 200
    (usage,) = await billed(suite)
    assert await spent(suite) == usage.cost_microusd >= 1_000


async def test_a_stage_with_a_price_that_is_delivered_again_is_charged_once(suite: Suite) -> None:
    await with_prices(suite)
    record = await suite.upload("a text")
    await suite.run_dry()
    await suite.run("parse", suite.stored(record))
    usage = await billed(suite)
    assert [one.function for one in usage] == ["parse", "chunk", "embed", "finish"]
    assert await spent(suite) == sum(one.cost_microusd for one in usage) > 1_000


async def test_a_life_after_a_deletion_is_billed_anew(suite: Suite) -> None:
    record = await suite.upload("a text")
    await suite.run_dry()
    await suite.records.write_tombstone(record.document_id, 1)
    await suite.upload("a text")
    await suite.run_dry()
    assert [one.function for one in await billed(suite)].count("parse") == 2


async def test_what_a_tenant_keeps_is_billed_once_a_day(suite: Suite) -> None:
    yesterday = now() - timedelta(days=1)
    await suite.store("12345", at=yesterday.replace(hour=0))
    await suite.store("1234567", at=yesterday.replace(hour=0))
    await suite.store("of today")
    for _ in range(2):
        await StorageMetering(suite.platform, suite.redis, suite.services.meter).run()
    await suite.redis.call("FLUSHALL")
    await StorageMetering(suite.platform, suite.redis, suite.services.meter).run()
    (usage,) = await billed(suite)
    assert [(line.unit, line.quantity) for line in usage.lines] == [("gib_day", 12)]
    assert usage.at.date() == yesterday.date()
    assert len(await suite.blobs.names(UNSEALED)) == 2
