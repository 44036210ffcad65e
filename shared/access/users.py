"""Users who log in with a name and a password. A name is one user, in the whole installation.

Raises `StoreUnavailable` like the stores below it.
"""

import re

import msgspec

from shared.access.apikeys import new_id
from shared.access.passwords import hash_password
from shared.blobs.port import Blobs
from shared.records import names
from shared.records.records import read_record
from shared.records.structs import UserRecord
from shared.types.clock import now
from shared.types.errors import Conflict, NotFound
from shared.types.principal import Role
from shared.types.text import normalized

LONGEST_NAME = 200
_USER_ID = re.compile(r"usr_[0-9a-z]{1,64}")


class Users:
    """The users of all tenants."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    async def create(
        self, tenant_id: str, username: str, password: str, role: Role, groups: tuple[str, ...] = ()
    ) -> UserRecord:
        """Raises `Conflict` for a name that is taken."""
        user = UserRecord(
            user_id=new_id("usr_"),
            tenant_id=tenant_id,
            username=username,
            role=role,
            password_hash=await hash_password(password),
            created_at=now(),
            groups=groups,
        )
        place = names.user(tenant_id, user.user_id)
        if not await self._blobs.create(names.username(normalized(username)), msgspec.json.encode(place)):
            if await self.by_name(username) is not None:
                raise Conflict("The username is taken.")
            await self._blobs.write(names.username(normalized(username)), msgspec.json.encode(place))
        await self._blobs.write(place, msgspec.json.encode(user))
        return user

    async def list(self, tenant_id: str) -> list[UserRecord]:
        """Newest first."""
        found = await self._blobs.names(names.user(tenant_id, ""))
        records = [await read_record(self._blobs, name, UserRecord) for name in found]
        known = [record for record in records if record]
        return sorted(known, key=lambda user: (user.created_at, user.user_id), reverse=True)

    async def read(self, tenant_id: str, user_id: str) -> UserRecord:
        """Raises `NotFound`, the same for a missing user and another tenant's."""
        found = None
        if _USER_ID.fullmatch(user_id):
            found = await read_record(self._blobs, names.user(tenant_id, user_id), UserRecord)
        if found is None:
            raise NotFound("There is no such user.")
        return found

    async def by_name(self, username: str) -> UserRecord | None:
        place = await read_record(self._blobs, names.username(normalized(username)), str)
        return await read_record(self._blobs, place, UserRecord) if place else None

    async def write(self, user: UserRecord) -> None:
        await self._blobs.write(names.user(user.tenant_id, user.user_id), msgspec.json.encode(user))

    async def erase(self, user: UserRecord) -> None:
        """The name last: while a store is away, the call can be repeated."""
        await self._blobs.erase(names.username(normalized(user.username)))
        await self._blobs.erase(names.user(user.tenant_id, user.user_id))
