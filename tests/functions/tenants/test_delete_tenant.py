"""A tenant that is deleted takes its documents along, whatever happens in between."""

import pytest

from functions.tenants.change import ChangeTenant
from functions.tenants.view import OneTenant
from shared.access.accounts import Accounts
from shared.conversations.conversations import Conversations
from shared.erasure.erasure import hide_document
from shared.graph.port import DocumentGraph, Merge
from shared.records.structs import TenantRecord, TenantSettings
from shared.types.clock import now
from shared.types.errors import NotFound
from tests.pipeline.suite import Suite
from tests.shared.graph.samples import contents, passage


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
    await suite.call("tenants", "delete", OneTenant(tenant_id), "operator")
    assert await accounts.tenant(tenant_id) is None
    assert await accounts.keys(tenant_id) == []
    assert await documents(suite, tenant_id) == 0
    await suite.tick()
    assert await suite.blobs.names(f"t/{tenant_id}/d/") == []
    with pytest.raises(NotFound):
        await suite.call("tenants", "delete", OneTenant(tenant_id), "operator")


async def test_its_graph_goes_with_it_also_what_no_document_stated(suite: Suite) -> None:
    _, tenant_id = await tenant_with_documents(suite)
    graph = suite.services.graph.of(tenant_id)
    await graph.put([passage("doc_foreign", 0, ["Ada", "Turin"])])
    await graph.merge([Merge("Ada", "Ada Lovelace", "manual")])
    await suite.records.write_graph("", 0, DocumentGraph(merges=(Merge("a", "b"),)))
    await suite.platform.of(tenant_id).write_graph("", 0, DocumentGraph(merges=(Merge("Ada", "Ada Lovelace"),)))
    await suite.call("tenants", "delete", OneTenant(tenant_id), "operator")
    await suite.tick()
    assert await contents(graph) == []
    assert await suite.blobs.names(f"t/{tenant_id}/graph/") == []
    assert len([part async for part in suite.records.graphs()]) == 1, "another tenant's stays"


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
        patched.setattr("shared.erasure.tenants.hide_document", crash_at_the_second)
        await suite.call("tenants", "delete", OneTenant(tenant_id), "operator")
    assert await accounts.keys(tenant_id) == []
    assert await documents(suite, tenant_id) == 1
    await suite.call("tenants", "delete", OneTenant(tenant_id), "operator")
    assert await documents(suite, tenant_id) == 0


async def test_an_upload_that_began_before_the_deletion_is_not_taken_in(suite: Suite) -> None:
    _, tenant_id = await tenant_with_documents(suite)
    await suite.call("tenants", "delete", OneTenant(tenant_id), "operator")
    with pytest.raises(NotFound):
        await suite.store("late", tenant_id)
    assert await documents(suite, tenant_id) == 0
    await suite.tick()
    assert await suite.blobs.names(f"t/{tenant_id}/d/") == []


async def test_nothing_of_it_is_left_but_its_usage(suite: Suite) -> None:
    accounts, tenant_id = await tenant_with_documents(suite)
    canary = "Quetzalcoatlus"
    await accounts.keep_tenant(TenantRecord(tenant_id, canary, "pro", now()))
    await accounts.keep_settings(tenant_id, TenantSettings())
    await suite.blobs.write(f"t/{tenant_id}/inbox/{canary}.md", b"waits")
    await Conversations(suite.redis, tenant_id, "key_1").begin(f"Where does {canary} live?")
    await suite.call("tenants", "delete", OneTenant(tenant_id), "operator")
    await Conversations(suite.redis, tenant_id, "key_1").begin(f"asked late: {canary}")
    assert [key async for key in suite.redis.scan("conversation*") if not key.endswith(":deleted")] == []
    await suite.tick()
    left = await suite.blobs.names(f"t/{tenant_id}/")
    assert [name for name in left if "/tombstones/" not in name] == [f"t/{tenant_id}/accounts/tenant"]
    assert canary.encode() not in await suite.blobs.read(f"t/{tenant_id}/accounts/tenant")
    with pytest.raises(NotFound):
        await suite.call("tenants", "change", ChangeTenant(tenant_id, name=canary), "operator")
