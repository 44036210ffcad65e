"""Changes a refresh token for new tokens; one that was used before ends its session."""

from typing import Annotated

from msgspec import Meta, Struct

from functions.login.messages import LoginTokens, tokens_of
from shared.access.sessions import Sessions
from shared.types.errors import DiskFull, Forbidden, Unauthenticated


class Refresh(Struct, frozen=True):
    refresh_token: Annotated[str, Meta(min_length=1, max_length=400)]


ERRORS = (DiskFull, Forbidden, Unauthenticated)


async def handle(request: Refresh, sessions: Sessions) -> LoginTokens:
    return tokens_of(await sessions.refresh(request.refresh_token))
