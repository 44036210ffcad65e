"""The tokens of a login."""

from typing import Literal

from msgspec import Struct

from shared.access.sessions import TokenPair
from shared.access.signing import TOKEN_LIFETIME


class LoginTokens(Struct, frozen=True):
    """`access_token` goes into `Authorization: Bearer …` for `expires_in` seconds; `refresh_token` is changed for the
    next two, once."""

    access_token: str
    expires_in: int
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a scheme


def tokens_of(pair: TokenPair) -> LoginTokens:
    return LoginTokens(pair.access_token, int(TOKEN_LIFETIME.total_seconds()), pair.refresh_token)
