"""Lists the tenant's API keys, without their secrets."""

from datetime import datetime

import msgspec
from msgspec import Struct
from msgspec.structs import asdict

from shared.access.accounts import Accounts
from shared.types.http import Paged
from shared.types.money import usd
from shared.types.paging import PageRequest, cut
from shared.types.principal import Principal, Role, Scope
from shared.usage.ledger import UsageLedger


class ListKeys(PageRequest, frozen=True):
    pass


class KeyView(Struct, frozen=True):
    key_id: str
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    groups: tuple[str, ...]
    prefix: str
    last4: str
    user_id: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    cost_usd: float
    rotated_to: str | None


class Keys(Paged, frozen=True, kw_only=True):
    items: list[KeyView]


async def handle(request: ListKeys, accounts: Accounts, ledger: UsageLedger, principal: Principal) -> Keys:
    keys = await accounts.keys(principal.tenant_id)
    page, cursor = cut(keys, request, lambda key: (key.created_at, key.key_id))
    used = await accounts.last_used(page)
    costs = await ledger.cost_by_key(principal.tenant_id)
    items = [
        msgspec.convert({**asdict(key), "last_used_at": last_used, "cost_usd": usd(costs.get(key.key_id, 0))}, KeyView)
        for key, last_used in zip(page, used, strict=True)
    ]
    return Keys(items=items, next_cursor=cursor)
