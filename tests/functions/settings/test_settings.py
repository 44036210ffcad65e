"""What an admin chooses holds for every process from the next call on."""

import asyncio
from datetime import timedelta

from functions.settings import change, read
from functions.settings.change import ChangeSettings
from functions.settings.read import ReadSettings
from functions.sweep.retention import Retention
from shared.access.accounts import Accounts, cached_tenant
from shared.blobs.port import Blobs
from shared.records.structs import TenantRecord, TenantSettings
from shared.redis.client import RedisClient
from shared.redis.leases import Leases
from shared.types.clock import now
from shared.types.principal import Principal
from tests.pipeline.suite import TENANT, Suite

ADMIN = Principal(TENANT, "key_1", "admin")


async def put(accounts: Accounts, redis: RedisClient, **fields: object) -> TenantSettings:
    return await change.handle(ChangeSettings(**fields), accounts, Leases(redis), ADMIN)  # type: ignore[arg-type]


async def test_at_first_everything_is_as_the_contract_says(blobs: Blobs, redis: RedisClient) -> None:
    found = await read.handle(ReadSettings(), Accounts(blobs, redis), ADMIN)
    assert found == TenantSettings("internal", True, None)


async def test_a_change_leaves_the_rest_and_null_means_for_good(blobs: Blobs, redis: RedisClient) -> None:
    accounts = Accounts(blobs, redis)
    await put(accounts, redis, default_classification="confidential", retention_days=30)
    assert await put(accounts, redis, cloud_allowed=False) == TenantSettings("confidential", False, 30)
    assert await put(accounts, redis, retention_days=None) == TenantSettings("confidential", False, None)
    assert await read.handle(ReadSettings(), accounts, ADMIN) == TenantSettings("confidential", False, None)


async def test_changes_at_once_lose_nothing(blobs: Blobs, redis: RedisClient) -> None:
    accounts = Accounts(blobs, redis)
    await asyncio.gather(
        put(accounts, redis, cloud_allowed=False),
        put(accounts, redis, retention_days=7),
        put(accounts, redis, default_classification="public"),
    )
    assert await accounts.settings(TENANT) == TenantSettings("public", False, 7)


async def test_an_emptied_redis_learns_it_again(blobs: Blobs, redis: RedisClient) -> None:
    accounts = Accounts(blobs, redis)
    await accounts.keep_tenant(TenantRecord(TENANT, "A", "pro", now()))
    await put(accounts, redis, cloud_allowed=False)
    await redis.call("FLUSHDB")
    await accounts.load_tenant(TENANT)
    assert await redis.call("HGET", cached_tenant(TENANT), "cloud") == "0"


async def test_documents_older_than_the_tenant_keeps_them_are_gone(suite: Suite) -> None:
    old = await suite.store("an old one", at=now() - timedelta(days=31))
    young = await suite.store("a young one", at=now() - timedelta(days=29))
    await suite.services.accounts.keep_settings(TENANT, TenantSettings(retention_days=30))
    await Retention(suite.platform, suite.catalogues, suite.redis, suite.services.journal).apply()
    assert await suite.records.document(old.document_id) is None
    assert await suite.catalogue.entry(old.document_id) is None
    assert await suite.records.document(young.document_id) is not None


async def test_without_a_limit_nothing_is_deleted(suite: Suite) -> None:
    old = await suite.store("an old one", at=now() - timedelta(days=10_000))
    await Retention(suite.platform, suite.catalogues, suite.redis, suite.services.journal).apply()
    assert await suite.records.document(old.document_id) is not None
