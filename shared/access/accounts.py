"""Tenants and keys: stored in the records, cached in Redis.

Raises `StoreUnavailable` like the stores below it.
"""

import contextlib
import re
from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from shared.access.apikeys import key_hash, new_id, new_key
from shared.access.cached_principals import REVOKED_S, CachedPrincipals, cached_key, revoked_mark
from shared.access.stored_keys import StoredKeys
from shared.blobs.port import Blobs
from shared.records import names
from shared.records.records import PlatformRecords, read_record, tenant_deletion
from shared.records.structs import KeyRecord, TenantRecord, TenantSettings
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.types.errors import Forbidden, NotFound, StoreUnavailable
from shared.types.principal import SCOPES, Principal, Role, Scope, Tier

OPERATORS = "platform"
"""Stands where the tenant's id would for keys of operators, who belong to none."""

_TENANT_ID = re.compile(r"ten_[0-9a-z]{1,64}")


def cached_tenant(tenant_id: str) -> str:
    return f"tenant:{tenant_id}"


class TenantSuspended(Forbidden):
    """No credential of the tenant opens anything until an operator resumes it."""

    def __init__(self) -> None:
        super().__init__("The tenant is suspended: an operator of this installation can resume it. Nothing is deleted.")


class Accounts:
    """The tenants and API keys of the installation."""

    def __init__(self, blobs: Blobs, redis: RedisClient) -> None:
        self._blobs = blobs
        self._redis = redis
        self._stored_keys = StoredKeys(blobs)
        self.principals = CachedPrincipals(redis)

    async def create_tenant(self, name: str, tier: Tier) -> TenantRecord:
        return await self.keep_tenant(TenantRecord(new_id("ten_"), name, tier, now()))

    async def keep_tenant(self, tenant: TenantRecord) -> TenantRecord:
        await self._blobs.write(names.tenant(tenant.tenant_id), msgspec.json.encode(tenant))
        place = cached_tenant(tenant.tenant_id)
        await self._redis.call("HSET", place, "tier", tenant.tier, "suspended", _flag(tenant.suspended))
        return tenant

    async def tenant(self, tenant_id: str) -> TenantRecord | None:
        if not _TENANT_ID.fullmatch(tenant_id):
            return None
        found = await read_record(self._blobs, names.tenant(tenant_id), TenantRecord)
        return None if found is None or found.deleted or await tenant_deletion(self._blobs, tenant_id) else found

    async def is_deleted(self, tenant_id: str) -> bool:
        """Whether there was such a tenant, and it was deleted: it is not created again."""
        found = await read_record(self._blobs, names.tenant(tenant_id), TenantRecord)
        return (found is not None and found.deleted) or await tenant_deletion(self._blobs, tenant_id) is not None

    async def tenants(self) -> list[TenantRecord]:
        """Newest first."""
        found = [await self.tenant(tenant_id) for tenant_id in await self._blobs.folders("t/")]
        known = [tenant for tenant in found if tenant]
        return sorted(known, key=lambda tenant: (tenant.created_at, tenant.tenant_id), reverse=True)

    async def create_key(
        self,
        tenant_id: str,
        name: str,
        role: Role,
        *,
        scopes: Sequence[Scope] = SCOPES,
        user_id: str | None = None,
        expires_at: datetime | None = None,
        secret: str | None = None,
        groups: Sequence[str] = (),
    ) -> tuple[KeyRecord, str]:
        """The record and the key itself, which is not stored."""
        key_id = new_id("key_")
        key = secret or new_key(key_id)
        record = KeyRecord(
            key_id=key_id,
            tenant_id=tenant_id,
            name=name,
            role=role,
            scopes=tuple(scopes),
            key_hash=key_hash(key),
            prefix=key[:12],
            last4=key[-4:],
            created_at=now(),
            user_id=user_id,
            expires_at=expires_at,
            groups=tuple(groups),
        )
        place = names.key(tenant_id or OPERATORS, key_id)
        await self._blobs.write(place, msgspec.json.encode(record))
        await self._blobs.write(names.key_by_hash(record.key_hash), msgspec.json.encode(place))
        self._stored_keys.add(record.key_hash)
        return record, key

    async def keys(self, tenant_id: str) -> list[KeyRecord]:
        """Newest first."""
        found = await self._blobs.names(f"t/{tenant_id or OPERATORS}/accounts/keys/")
        records = [await read_record(self._blobs, name, KeyRecord) for name in found]
        known = [record for record in records if record]
        return sorted(known, key=lambda key: (key.created_at, key.key_id), reverse=True)

    async def last_used(self, keys: Sequence[KeyRecord]) -> list[datetime | None]:
        """Returns when each key was last used, as far as Redis has it, in the order of the keys."""
        if not keys:
            return []
        used = await self._redis.batch([("HGET", cached_key(key.key_hash), "used") for key in keys])
        return [
            datetime.fromtimestamp(int(at), tz=key.created_at.tzinfo) if at else None
            for key, at in zip(keys, used, strict=True)
        ]

    async def key(self, tenant_id: str, key_id: str) -> KeyRecord:
        """Raises `NotFound`, the same for a missing key and another tenant's."""
        record = next((key for key in await self.keys(tenant_id) if key.key_id == key_id), None)
        if record is None:
            raise NotFound("There is no such key.")
        return record

    async def replace_key(self, record: KeyRecord, new_key_id: str, ends_at: datetime) -> None:
        """Lets a key end at this time, in every process. The record is written last: while a store is away, the call
        can be repeated."""
        changed = msgspec.structs.replace(record, expires_at=ends_at, rotated_to=new_key_id)
        await self.principals.change(record.key_hash, _principal(changed))
        remaining_s = max(0, int((ends_at - now()).total_seconds()))
        end = ("SET", revoked_mark(record.key_id), f"{ends_at.timestamp():.3f}", "EX", remaining_s + REVOKED_S)
        await self._redis.batch([end])
        await self._blobs.write(names.key(record.tenant_id or OPERATORS, record.key_id), msgspec.json.encode(changed))

    async def revoke_key(self, tenant_id: str, key_id: str) -> None:
        """Revokes a key, from the next call on. The record is erased last: while a store is away, the call can be
        repeated. Raises `NotFound`."""
        record = await self.key(tenant_id, key_id)
        await self._blobs.erase(names.key_by_hash(record.key_hash))
        await self.principals.revoke(record.key_hash, key_id)
        await self._blobs.erase(names.key(tenant_id or OPERATORS, key_id))

    async def revoked(self, key_ids: Sequence[str]) -> set[str]:
        """Returns the keys that were revoked, or replaced and ended, recently: their calls have to end."""
        if not key_ids:
            return set()
        marks = await self._redis.call("MGET", *map(revoked_mark, key_ids))
        at = now().timestamp()
        return {key_id for key_id, mark in zip(key_ids, marks, strict=True) if mark and float(mark) <= at}

    async def revoke_keys(self, tenant_id: str) -> None:
        for key in await self.keys(tenant_id):
            await self.revoke_key(tenant_id, key.key_id)

    async def load_key(self, hashed: str) -> bool:
        """Caches a key that Redis lacks from the records; False where there is none."""
        place = await read_record(self._blobs, names.key_by_hash(hashed), str)
        record = await read_record(self._blobs, place, KeyRecord) if place else None
        if record is None or (record.tenant_id and not await self.load_tenant(record.tenant_id)):
            return False
        await self.principals.add(hashed, _principal(record))
        return True

    async def load_principal(self, name: str, principal: Principal, seconds: int) -> bool:
        """Caches a caller whose token says who it is, for so long; False where there is no such tenant."""
        if not await self.load_tenant(principal.tenant_id):
            return False
        await self.principals.add(name, principal, seconds)
        return True

    async def cache_new_key(self, key: str) -> None:
        """Caches a key before its first call, which then needs no look-up."""
        with contextlib.suppress(StoreUnavailable):
            await self.load_key(key_hash(key))

    async def load_listed_key(self, hashed: str) -> bool:
        """As `load_key`, at a bounded cost however many keys are unknown: only a key that is listed is looked up."""
        return await self._stored_keys.may_have(hashed) and await self.load_key(hashed)

    async def load_key_of(self, key: str) -> bool:
        """Whether this key is known."""
        return await self.load_key(key_hash(key))

    async def load_tenant(self, tenant_id: str) -> bool:
        tenant = await self.tenant(tenant_id)
        if tenant is None:
            return False
        settings = await self.settings(tenant_id)
        place = cached_tenant(tenant_id)
        # What is there is newer than what was read before.
        await self._redis.batch(
            [
                ("HSETNX", place, "tier", tenant.tier),
                ("HSETNX", place, "cloud", _flag(settings.cloud_allowed)),
                ("HSETNX", place, "suspended", _flag(tenant.suspended)),
            ]
        )
        return True

    async def suspended(self, tenant_ids: Collection[str]) -> set[str]:
        """Returns those of the tenants that are suspended."""
        if not tenant_ids:
            return set()
        flags = await self._redis.batch([("HGET", cached_tenant(one), "suspended") for one in tenant_ids])
        found = dict(zip(tenant_ids, flags, strict=True))
        for tenant_id in [one for one, flag in found.items() if flag is None]:  # Redis lacks them
            tenant = await self.tenant(tenant_id)
            found[tenant_id] = _flag(tenant is not None and tenant.suspended)
            await self.load_tenant(tenant_id)
        return {tenant_id for tenant_id, flag in found.items() if flag == _flag(True)}

    async def check_active(self, tenant_id: str) -> None:
        """Raises `TenantSuspended`."""
        if await self.suspended([tenant_id]):
            raise TenantSuspended

    async def settings(self, tenant_id: str) -> TenantSettings:
        return await read_record(self._blobs, names.settings(tenant_id), TenantSettings) or TenantSettings()

    async def keep_settings(self, tenant_id: str, settings: TenantSettings) -> None:
        """Whether content may leave holds from the next call on, in every process."""
        await self._blobs.write(names.settings(tenant_id), msgspec.json.encode(settings))
        await self._redis.call("HSET", cached_tenant(tenant_id), "cloud", _flag(settings.cloud_allowed))

    async def delete_tenant(self, tenant_id: str) -> None:
        """Lets nothing of the tenant enter any more, and ends its keys. Safe to repeat."""
        await PlatformRecords(self._blobs).begin_tenant_deletion(tenant_id)
        await self.revoke_keys(tenant_id)
        await self._redis.call("DEL", cached_tenant(tenant_id))


def _principal(key: KeyRecord) -> Principal:
    return Principal(key.tenant_id, key.key_id, key.role, key.scopes, key.user_id, key.expires_at, key.groups)


def _flag(value: bool) -> str:
    return "1" if value else "0"
