"""Lists the tenant's API keys, without their secrets."""

from datetime import datetime

from msgspec import Struct

from shared.access.accounts import Accounts
from shared.types.http import Paged
from shared.types.money import usd
from shared.types.paging import PageRequest, cut
from shared.types.principal import Principal, Role, Scope
from shared.usage.ledger import UsageLedger


class ListKeys(PageRequest, frozen=True):
    pass


class ShownKey(Struct, frozen=True):
    key_id: str
    name: str
    role: Role
    scopes: tuple[Scope, ...]
    prefix: str
    last4: str
    user_id: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    cost_usd: float


class Keys(Paged, frozen=True, kw_only=True):
    items: list[ShownKey]


async def handle(request: ListKeys, accounts: Accounts, book: UsageLedger, principal: Principal) -> Keys:
    keys = await accounts.keys(principal.tenant_id)
    page, cursor = cut(keys, request, lambda key: (key.created_at, key.key_id))
    used = await accounts.last_used(page)
    costs = await book.costs_of_keys(principal.tenant_id)
    items = [
        ShownKey(
            key_id=key.key_id,
            name=key.name,
            role=key.role,
            scopes=key.scopes,
            prefix=key.prefix,
            last4=key.last4,
            user_id=key.user_id,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=last_used,
            cost_usd=usd(costs.get(key.key_id, 0)),
        )
        for key, last_used in zip(page, used, strict=True)
    ]
    return Keys(items=items, next_cursor=cursor)
