"""Caps that people set: stored in the blob store, cached in Redis under the budget's generation."""

from typing import Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from shared.blobs.port import Blobs
from shared.proxy.budget.allowances import DefaultCap
from shared.proxy.budget.asking import ask
from shared.proxy.budget.operations import ScopeOf
from shared.proxy.budget.scripts import KEEP_CAPS
from shared.records import names
from shared.records.records import read_record
from shared.redis.client import RedisClient
from shared.redis.leases import Leases
from shared.types.errors import Forbidden

Setter = Literal["operator", "admin"]
_LARGEST = 10**15
"""Micro-dollars; sums below it are exact in the scripts' numbers."""


class Caps(Struct, frozen=True, omit_defaults=True):
    """Micro-dollars a UTC day and month. None is no limit of one's own; what is not set stays as it was, at first the
    default."""

    day: int | UnsetType | None = UNSET
    month: int | UnsetType | None = UNSET


class CapsRecord(Struct, frozen=True, omit_defaults=True):
    """The caps of one scope. The operator's replace the default; the admin's apply where they are smaller."""

    operator: Caps = Caps()
    admin: Caps = Caps()

    def bound(self, default: DefaultCap) -> DefaultCap:
        """Returns the upper bound of an admin's caps."""
        day, month = self.operator.day, self.operator.month
        return DefaultCap(
            default.day if isinstance(day, UnsetType) else day,
            default.month if isinstance(month, UnsetType) else month,
        )


class CapsStore:
    """Reads and changes caps; changes of one scope come one after the other."""

    def __init__(self, blobs: Blobs, redis: RedisClient) -> None:
        self._blobs = blobs
        self._redis = redis

    async def read(self, scope: ScopeOf) -> CapsRecord:
        return await read_record(self._blobs, _place(scope), CapsRecord) or CapsRecord()

    async def change(self, scope: ScopeOf, setter: Setter, caps: Caps, default: DefaultCap) -> CapsRecord:
        """Changes caps, from the next call on and in every process. Raises `Forbidden` for an admin's cap above what
        the operator allows, `StoreUnavailable` where it may not hold yet: it has to be set again."""
        _check(caps)
        async with Leases(self._redis).wait(f"caps:{_place(scope)}"):
            before = await self.read(scope)
            if setter == "admin":
                _check_bound(caps, before.bound(default))
            given = {name: cap for name, cap in msgspec.structs.asdict(caps).items() if cap is not UNSET}
            changed = msgspec.structs.replace(getattr(before, setter), **given)
            record = msgspec.structs.replace(before, **{setter: changed})
            await self._blobs.write(_place(scope), msgspec.json.encode(record))
            await self._cache("", scope, record)
        return record

    async def copy(self, source: ScopeOf, target: ScopeOf) -> None:
        """Gives a new scope the caps of another one."""
        record = await self.read(source)
        if record != CapsRecord():
            await self._blobs.write(_place(target), msgspec.json.encode(record))
            await self._cache("", target, record)

    async def load(self, generation: str, scope: ScopeOf) -> None:
        """Loads caps that Redis lacks."""
        await self._cache(generation, scope, await self.read(scope))

    async def _cache(self, generation: str, scope: ScopeOf, record: CapsRecord) -> None:
        account = f"{scope.scope}|{scope.id}"
        await ask(self._redis, KEEP_CAPS, [generation, account, _words_of(record)])


def _words_of(record: CapsRecord) -> str:
    """Formats caps for the scripts: the operator's for day and month, the admin's; empty where nothing is set."""
    amounts = (record.operator.day, record.operator.month, record.admin.day, record.admin.month)
    return ",".join("" if a is UNSET else "unlimited" if a is None else str(a) for a in amounts)


def _place(scope: ScopeOf) -> str:
    return names.caps(scope.owner, scope.scope, scope.id)


def _check(caps: Caps) -> None:
    for amount in (caps.day, caps.month):
        if isinstance(amount, int) and not 0 <= amount <= _LARGEST:
            raise ValueError(f"a cap is from 0 to {_LARGEST} micro-dollars, not {amount}")


def _check_bound(caps: Caps, bound: DefaultCap) -> None:
    for name, wanted, most in (("day", caps.day, bound.day), ("month", caps.month, bound.month)):
        if isinstance(wanted, int) and most is not None and wanted > most:
            raise Forbidden(f"The operator allows at most {most / 1_000_000:f} USD a {name}; set that or less.")
