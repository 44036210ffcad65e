"""Changes the tenant's settings; they hold from the next call on."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict, replace

from shared.access.accounts import Accounts
from shared.records.structs import GraphMode, TenantSettings
from shared.redis.leases import Leases
from shared.types.document import Classification
from shared.types.errors import DiskFull
from shared.types.principal import Principal


class ChangeSettings(Struct, frozen=True):
    """What is left out stays; `retention_days: null` keeps documents for good."""

    default_classification: Classification | UnsetType = UNSET
    cloud_allowed: bool | UnsetType = UNSET
    retention_days: Annotated[int, Meta(ge=1, le=36_500)] | UnsetType | None = UNSET
    graph: GraphMode | UnsetType = UNSET


ERRORS = (DiskFull,)


async def handle(request: ChangeSettings, accounts: Accounts, leases: Leases, principal: Principal) -> TenantSettings:
    given = {name: value for name, value in asdict(request).items() if value is not UNSET}
    async with leases.wait(f"settings:{principal.tenant_id}"):
        settings = replace(await accounts.settings(principal.tenant_id), **given)
        await accounts.keep_settings(principal.tenant_id, settings)
    return settings
