"""Deletes a tenant: nothing of it enters any more, its keys end and its documents are hidden at once; the sweep erases
them."""

from functions.tenants.view import OneTenant, find
from shared.access.accounts import Accounts
from shared.erasure.tenants import TenantErasure
from shared.types.errors import DiskFull, NotFound

ERRORS = (DiskFull, NotFound)


async def handle(request: OneTenant, accounts: Accounts, erasure: TenantErasure) -> None:
    if not await erasure.is_interrupted(request.tenant_id):  # cut off before, the call can be made again
        await find(request.tenant_id, accounts)
    await erasure.delete(request.tenant_id)
