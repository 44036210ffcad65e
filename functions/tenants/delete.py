"""Deletes a tenant: its keys die at once, its documents are buried here and erased by the sweep."""

from functions.tenants.shown import OneTenant, find
from shared.access.accounts import Accounts
from shared.ledger.ledger import PlatformLedger


async def handle(request: OneTenant, accounts: Accounts, platform: PlatformLedger) -> None:
    tenant = await find(request.tenant_id, accounts)
    await accounts.delete_tenant(tenant)
    ledger = platform.of(tenant.tenant_id)
    async for record in ledger.documents():
        await ledger.bury(record.document_id, record.epoch)
