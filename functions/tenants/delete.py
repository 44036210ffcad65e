"""Deletes a tenant: its keys stop working at once, its documents are hidden at once and erased by the sweep."""

from functions.tenants.view import OneTenant, find
from shared.access.accounts import Accounts
from shared.catalogue.catalogue import Catalogues
from shared.erasure.erasure import hide_document
from shared.records.records import PlatformRecords
from shared.types.errors import DiskFull, NotFound

ERRORS = (DiskFull, NotFound)


async def handle(request: OneTenant, accounts: Accounts, platform: PlatformRecords, catalogues: Catalogues) -> None:
    tenant = await find(request.tenant_id, accounts)
    await accounts.revoke_keys(tenant.tenant_id)
    records, catalogue = platform.of(tenant.tenant_id), catalogues.of(tenant.tenant_id)
    async for record in records.documents():
        await hide_document(record.document_id, record.generation, records, catalogue)
    await accounts.delete_tenant(tenant)  # last: cut off before, the call can be made again
