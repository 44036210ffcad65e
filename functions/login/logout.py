"""Ends a session: by its refresh token in the body, or by its access token as the credential."""

from typing import Annotated

from msgspec import Meta, Struct

from shared.access.sessions import Sessions
from shared.access.tokens import looks_like_token, read_token
from shared.types.call import Call
from shared.types.errors import DiskFull, Unauthenticated


class Logout(Struct, frozen=True):
    refresh_token: Annotated[str, Meta(min_length=1, max_length=400)] | None = None


ERRORS = (DiskFull, Unauthenticated)


async def handle(request: Logout, sessions: Sessions, call: Call) -> None:
    if request.refresh_token:
        await sessions.end_by_token(request.refresh_token)
        return
    if not looks_like_token(call.credential):
        raise Unauthenticated("Send the refresh token, or the access token as `Authorization: Bearer <token>`.")
    token = await read_token(call.credential, sessions.signing_keys)
    if session := await sessions.read(token.tenant_id, token.user_id, token.session_id):
        await sessions.end(session)
