"""Access tokens of our own: JSON Web Tokens that are signed with HMAC-SHA256 and end after minutes."""

import re
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from shared.access.signing import TOKEN_LIFETIME, SigningKeys
from shared.records.structs import SessionRecord
from shared.types.clock import now
from shared.types.errors import Unauthenticated

ISSUER = AUDIENCE = "aegisrag"
_ALGORITHM = "HS256"
_CLAIMS = ("iss", "aud", "sub", "tid", "sid", "iat", "exp", "rps")
_ID = re.compile(r"[a-z]{3}_[0-9a-z]{1,64}")
_LONGEST_TOKEN = 4096


class AccessToken(Struct, frozen=True):
    """A verified token."""

    tenant_id: str
    user_id: str
    session_id: str
    expires_at: datetime


def looks_like_token(credential: str) -> bool:
    """Whether the credential has the form of a JSON Web Token. None of our API keys has."""
    return credential.count(".") == 2 and credential.startswith("ey")


async def write_token(session: SessionRecord, keys: SigningKeys) -> str:
    """A token of the session. Raises `StoreUnavailable`."""
    import jwt

    key, at = await keys.newest(), now()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": session.user_id,
        "tid": session.tenant_id,
        "sid": session.session_id,
        "rps": session.replay_secret,
        "iat": at,
        "exp": min(at + TOKEN_LIFETIME, session.expires_at),
    }
    return jwt.encode(claims, bytes.fromhex(key.secret), _ALGORITHM, headers={"kid": key.kid})


async def read_token(token: str, keys: SigningKeys) -> AccessToken:
    """Raises `Unauthenticated`, `StoreUnavailable`."""
    import jwt

    try:
        header = jwt.get_unverified_header(token) if len(token) <= _LONGEST_TOKEN else {}
        key = await keys.find(kid) if isinstance(kid := header.get("kid"), str) else None
        if key is None:
            raise Unauthenticated("The access token is not one of ours, or its signing key has ended. Log in again.")
        claims: dict[str, Any] = jwt.decode(
            token,
            bytes.fromhex(key.secret),
            algorithms=[_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            options={"require": list(_CLAIMS), "strict_aud": True},
        )
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("The access token has expired. POST /auth/refresh gives a new one.") from None
    except (jwt.InvalidTokenError, ValueError):
        raise Unauthenticated("The access token is not valid. Log in again.") from None
    ids = [claims["tid"], claims["sub"], claims["sid"]]
    if not all(isinstance(one, str) and _ID.fullmatch(one) for one in ids):
        raise Unauthenticated("The access token is not valid. Log in again.")
    tenant_id, user_id, session_id = ids
    return AccessToken(tenant_id, user_id, session_id, datetime.fromtimestamp(int(claims["exp"]), UTC))


def replay_secret(credential: str) -> str:
    """What opens the stored answers of a caller's idempotent calls. It stays the same for all tokens of a login."""
    if not looks_like_token(credential):
        return credential
    import jwt

    try:
        claims = jwt.decode(credential, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return credential
    secret = claims.get("rps") if claims.get("iss") == ISSUER else None
    return secret if isinstance(secret, str) else credential
