"""A tenant that is deleted takes its documents along, whatever happens in between."""

import pytest

from functions.tenants import delete
from functions.tenants.view import OneTenant
from shared.access.accounts import Accounts
from shared.erasure.erasure import hide_document
from shared.types.errors import NotFound
from tests.pipeline.suite import Suite


async def tenant_with_documents(suite: Suite) -> tuple[Accounts, str]:
    accounts = suite.services.accounts
    tenant = await accounts.create_tenant("a tenant", "pro")
    await accounts.create_key(tenant.tenant_id, "a key", "admin")
    for text in ("one", "two"):
        await suite.store(text, tenant.tenant_id)
    return accounts, tenant.tenant_id


async def documents(suite: Suite, tenant_id: str) -> int:
    return len([record async for record in suite.platform.of(tenant_id).documents()])


async def test_its_keys_die_and_its_documents_are_buried_and_then_erased(suite: Suite) -> None:
    accounts, tenant_id = await tenant_with_documents(suite)
    await delete.handle(OneTenant(tenant_id), accounts, suite.platform, suite.catalogues, suite.redis)
    assert await accounts.tenant(tenant_id) is None
    assert await accounts.keys(tenant_id) == []
    assert await documents(suite, tenant_id) == 0
    await suite.tick()
    assert await suite.blobs.names(f"t/{tenant_id}/d/") == []
    with pytest.raises(NotFound):
        await delete.handle(OneTenant(tenant_id), accounts, suite.platform, suite.catalogues, suite.redis)


async def test_a_deletion_that_was_cut_off_can_be_made_again(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    class Crash(Exception):
        pass

    deletions = 0

    async def crash_at_the_second(*arguments: object) -> None:
        nonlocal deletions
        deletions += 1
        if deletions == 2:
            raise Crash
        await hide_document(*arguments)  # type: ignore[arg-type]

    accounts, tenant_id = await tenant_with_documents(suite)
    with monkeypatch.context() as patched, pytest.raises(Crash):
        patched.setattr("functions.tenants.delete.hide_document", crash_at_the_second)
        await delete.handle(OneTenant(tenant_id), accounts, suite.platform, suite.catalogues, suite.redis)
    assert await accounts.keys(tenant_id) == []
    assert await documents(suite, tenant_id) == 1
    await delete.handle(OneTenant(tenant_id), accounts, suite.platform, suite.catalogues, suite.redis)
    assert await documents(suite, tenant_id) == 0
