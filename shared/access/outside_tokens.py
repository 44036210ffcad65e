"""Bearer tokens of an outside issuer (OpenID Connect), for those who bring their own login.

The issuer's keys are read from its discovery document and held. The tenant and the role come from named claims.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from shared.types.errors import Forbidden, SettingError, StoreUnavailable, Unauthenticated
from shared.types.principal import Principal, Role

if TYPE_CHECKING:
    import httpx

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a public key. What an issuer publishes could sign with the others."""
_HELD_S, _LOOK_S, _FIRST_TRY_S, _LONGEST_HELD_S = 600.0, 30.0, 1.0, 86_400.0
"""How long keys are used before they are read again, how often unknown ones are looked up, how often an issuer is tried
that never answered, and how long keys are used where it answers no more."""
_ANSWER_S = 5.0
_LARGEST_ANSWER = 1 << 20
_LARGEST_TOKEN = 16 * 1024
_LEEWAY_S = 30
_LONGEST_GROUP, _MOST_GROUPS = 64, 50
_ROLES: dict[str, Role] = {"reader": "reader", "member": "member", "admin": "admin"}
_RANK = ("admin", "member", "reader")


class OutsideIssuer(Struct, frozen=True):
    """The settings AEGIS_OIDC_…; a claim's name may be a path such as `realm_access.roles`."""

    issuer: str
    audience: str
    tenant_claim: str = "tenant_id"
    role_claim: str = "role"
    groups_claim: str = "groups"

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "OutsideIssuer | None":
        """None where no issuer is set. Raises `SettingError`."""
        issuer = (environ.get("AEGIS_OIDC_ISSUER") or "").strip()
        audience = (environ.get("AEGIS_OIDC_AUDIENCE") or "").strip()
        if not issuer:
            return None
        if not audience:
            raise SettingError("AEGIS_OIDC_AUDIENCE is not set: tokens for other programs would be taken")
        parts = urlsplit(issuer)
        is_local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and is_local)):
            raise SettingError(f"AEGIS_OIDC_ISSUER is {issuer!r}; it takes an https address")
        default = cls(issuer, audience)
        return cls(
            issuer,
            audience,
            (environ.get("AEGIS_OIDC_TENANT_CLAIM") or default.tenant_claim).strip(),
            (environ.get("AEGIS_OIDC_ROLE_CLAIM") or default.role_claim).strip(),
            (environ.get("AEGIS_OIDC_GROUPS_CLAIM") or default.groups_claim).strip(),
        )


class OutsideTokens:
    """Verifies the tokens of one issuer."""

    def __init__(self, issuer: OutsideIssuer, client: "httpx.AsyncClient | None" = None) -> None:
        self._issuer = issuer
        self._client = client
        self._keys: dict[str, Any] = {}
        self._read_at = self._tried_at = float("-inf")
        self._lock = asyncio.Lock()

    def issued(self, token: str) -> bool:
        """Whether the token names this issuer; nothing is verified."""
        import jwt

        try:
            claims = jwt.decode(token, options={"verify_signature": False}) if len(token) <= _LARGEST_TOKEN else {}
        except (jwt.InvalidTokenError, ValueError):
            return False
        return bool(claims.get("iss") == self._issuer.issuer)

    async def principal(self, token: str) -> Principal:
        """Raises `Unauthenticated`, `Forbidden` for a role that is none of ours, `StoreUnavailable`."""
        import jwt

        try:
            header = jwt.get_unverified_header(token)
            algorithm = header.get("alg")
            if algorithm not in ALGORITHMS:
                raise Unauthenticated(f"The token is signed by {str(algorithm)[:20]!r}, which is not taken.")
            key = await self._key(str(header.get("kid", "")), algorithm)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._issuer.audience,
                issuer=self._issuer.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired.") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Unauthenticated("The token is not valid for this service.") from None
        return self._principal_of(claims)

    def _principal_of(self, claims: dict[str, Any]) -> Principal:
        tenant_id = _claim(claims, self._issuer.tenant_claim)
        if not (isinstance(tenant_id, str) and tenant_id.startswith("ten_") and tenant_id[4:].isalnum()):
            raise Unauthenticated(f"The claim `{self._issuer.tenant_claim}` of the token names no tenant.")
        user_id = "usr_" + sha256(f"{self._issuer.issuer} {claims['sub']}".encode()).hexdigest()[:24]
        return Principal(
            tenant_id=tenant_id,
            key_id=user_id,
            role=self._role(claims),
            user_id=user_id,
            expires_at=datetime.fromtimestamp(int(claims["exp"]) + _LEEWAY_S, UTC),
            session_id=f"out_{user_id[4:]}",
            groups=_groups(_claim(claims, self._issuer.groups_claim)),
        )

    def _role(self, claims: dict[str, Any]) -> Role:
        """The highest of the roles in the claim; a token without the claim is a reader's."""
        found = _claim(claims, self._issuer.role_claim)
        if found is None:
            return "reader"
        roles = found if isinstance(found, list) else [found]
        for role in _RANK:
            if role in roles:
                return _ROLES[role]
        raise Forbidden(f"The claim `{self._issuer.role_claim}` of the token names no role of {', '.join(_RANK)}.")

    async def _key(self, kid: str, algorithm: str) -> Any:
        """Raises `Unauthenticated` for a key that the issuer does not publish, `StoreUnavailable`."""
        await self._read(_HELD_S)
        if kid not in self._keys:
            await self._read(_LOOK_S)
        found = self._keys.get(kid) or (next(iter(self._keys.values())) if not kid and len(self._keys) == 1 else None)
        if found is None or found.algorithm_name != algorithm:
            raise Unauthenticated("The token is signed by a key that its issuer does not publish.")
        return found

    async def _read(self, oldest_s: float) -> None:
        """Reads the issuer's keys unless that was tried less than `oldest_s` ago. Keys that were read before stay for a
        day where the issuer does not answer."""
        async with self._lock:
            since = time.monotonic()
            if since - self._tried_at < (oldest_s if self._keys else _FIRST_TRY_S):
                if not self._keys:
                    raise StoreUnavailable("login", "the issuer of tokens does not answer", retry_after=2)
                return
            self._tried_at = since
            try:
                self._keys = await self._published()
                self._read_at = since
            except (OSError, ValueError, TypeError, AttributeError) as error:
                if since - self._read_at > _LONGEST_HELD_S:
                    self._keys = {}
                    raise StoreUnavailable("login", f"the issuer of tokens does not answer: {error}") from error

    async def _published(self) -> dict[str, Any]:
        import jwt

        issuer = self._issuer.issuer
        found = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        address = found.get("jwks_uri")
        if found.get("issuer") != issuer or not isinstance(address, str):
            raise ValueError("its configuration names another issuer, or no keys")
        if urlsplit(address).scheme != urlsplit(issuer).scheme:
            raise ValueError("its keys are not at an https address")
        keys: dict[str, Any] = {}
        for one in (await self._get(address)).get("keys", []):
            try:
                if one.get("kty") != "oct" and one.get("use", "sig") == "sig":
                    keys[str(one.get("kid", ""))] = jwt.PyJWK(one)
            except jwt.PyJWTError:  # a key of a kind that is not known here
                continue
        if not keys:
            raise ValueError("it publishes no key that can be used")
        return keys

    async def _get(self, url: str) -> dict[str, Any]:
        import httpx

        client = self._client or httpx.AsyncClient(timeout=_ANSWER_S, follow_redirects=False)
        try:
            async with asyncio.timeout(_ANSWER_S), client.stream("GET", url) as answer:
                answer.raise_for_status()
                content = b""
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > _LARGEST_ANSWER:
                        raise ValueError("its answer is too long")
            found = msgspec.json.decode(content)
        except (httpx.HTTPError, msgspec.DecodeError, TimeoutError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
        finally:
            if self._client is None:
                await client.aclose()
        if not isinstance(found, dict):
            raise ValueError("its answer is not an object")
        return found


def _claim(claims: dict[str, Any], path: str) -> Any:
    """The claim of this name, or at this path."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _groups(found: Any) -> tuple[str, ...]:
    """The names among the groups that documents can name."""
    listed = found if isinstance(found, list) else [found]
    return tuple(one for one in listed if isinstance(one, str) and 0 < len(one) <= _LONGEST_GROUP)[:_MOST_GROUPS]
