"""Makes a new key that signs access tokens; those of the key before are valid until they expire."""

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from shared.access.sessions import Sessions
from shared.types.errors import DiskFull


class RotateSigningKey(Struct, frozen=True):
    pass


class RotatedSigningKey(Struct, frozen=True):
    http_status: ClassVar[int] = 201

    kid: str
    created_at: datetime


ERRORS = (DiskFull,)


async def handle(request: RotateSigningKey, sessions: Sessions) -> RotatedSigningKey:
    key = await sessions.signing_keys.rotate()
    return RotatedSigningKey(key.kid, key.created_at)
