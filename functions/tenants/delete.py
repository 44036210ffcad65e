"""Deletes a tenant: its keys stop working at once, its documents are hidden at once and erased by the sweep."""

from functions.tenants.view import OneTenant, find
from shared.access.accounts import Accounts
from shared.catalogue.catalogue import Catalogues
from shared.erasure.erasure import hide_document
from shared.idempotency.calls import forget_answers_of_tenant
from shared.records.records import PlatformRecords
from shared.redis.client import RedisClient
from shared.types.errors import DiskFull, NotFound

ERRORS = (DiskFull, NotFound)


async def handle(
    request: OneTenant,
    accounts: Accounts,
    platform: PlatformRecords,
    catalogues: Catalogues,
    redis: RedisClient,
) -> None:
    tenant = await find(request.tenant_id, accounts)
    await accounts.revoke_keys(tenant.tenant_id)
    await forget_answers_of_tenant(redis, tenant.tenant_id)
    records, catalogue = platform.of(tenant.tenant_id), catalogues.of(tenant.tenant_id)
    async for record in records.documents():
        await hide_document(record.document_id, record.generation, records, catalogue)
    await accounts.delete_tenant(tenant)  # last: cut off before, the call can be made again
