"""Tokens of an outside issuer are taken for what it signed, and for nothing that it did not."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.access.accounts import Accounts
from shared.access.credentials import Credentials
from shared.access.gate import Gate
from shared.access.outside_tokens import OutsideIssuer, OutsideTokens
from shared.blobs.port import Blobs
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.types.errors import Forbidden, SettingError, StoreUnavailable, Unauthenticated

ISSUER = "https://login.example.com/realm"
RSA, OTHER_RSA = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
KEYS: dict[str, tuple[Any, str]] = {
    "rsa": (RSA, "RS256"),
    "ec": (ec.generate_private_key(ec.SECP256R1()), "ES256"),
    "ed": (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
}


def published(kid: str) -> dict[str, Any]:
    key, algorithm = KEYS[kid]
    made: dict[str, Any] = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": kid, "use": "sig", "alg": algorithm}


class Issuer:
    """An issuer that answers from memory."""

    def __init__(self) -> None:
        self.kids = ["rsa", "ec", "ed"]
        self.more: list[dict[str, Any]] = [{"kty": "oct", "kid": "shared", "k": "AAAA"}, {"kty": "unknown", "kid": "x"}]
        self.configuration: dict[str, Any] = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"}
        self.is_away = False
        self.calls = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        if self.is_away:
            raise httpx.ConnectError("nobody is there")
        if request.url.path.endswith("/.well-known/openid-configuration"):
            return httpx.Response(200, json=self.configuration)
        return httpx.Response(200, json={"keys": [*map(published, self.kids), *self.more]})


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


class House:
    def __init__(self, tenant_id: str, gate: Gate) -> None:
        self.tenant_id, self.gate = tenant_id, gate

    def token(self, kid: str = "rsa", *, key: Any = None, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        signing, algorithm = KEYS[kid]
        made = {
            "iss": ISSUER,
            "aud": "aegis",
            "sub": "anna",
            "exp": now() + timedelta(minutes=5),
            "tenant_id": self.tenant_id,
            "role": "member",
            **claims,
        }
        named = {"kid": kid, **(headers or {})}
        return jwt.encode({k: v for k, v in made.items() if v is not None}, key or signing, algorithm, headers=named)

    async def admit(self, token: str) -> Any:
        return (await self.gate.admit(token, "default"))[0]


@pytest.fixture
async def house(blobs: Blobs, redis: RedisClient, issuer: Issuer) -> House:
    accounts = Accounts(blobs, redis)
    tenant = await accounts.create_tenant("a tenant", "pro")
    client = httpx.AsyncClient(transport=httpx.MockTransport(issuer))
    outside = OutsideTokens(OutsideIssuer(ISSUER, "aegis"), client)
    return House(tenant.tenant_id, Gate(Credentials(accounts, outside=outside), redis))


@pytest.mark.parametrize("kid", KEYS)
async def test_each_kind_of_public_key_is_taken(house: House, kid: str) -> None:
    principal = await house.admit(house.token(kid, groups=["staff", 7, ""]))
    assert (principal.tenant_id, principal.role, principal.groups) == (house.tenant_id, "member", ("staff",))
    again = await house.admit(house.token(kid, jti="2"))
    other = await house.admit(house.token(kid, sub="ben"))
    assert principal.user_id == again.user_id != other.user_id


@pytest.mark.parametrize(
    ("role", "expected"), [("admin", "admin"), (["x", "reader", "member"], "member"), (None, "reader")]
)
async def test_the_highest_role_of_the_claim_counts(house: House, role: Any, expected: str) -> None:
    assert (await house.admit(house.token(role=role))).role == expected


@pytest.mark.parametrize("role", ["operator", "root", [], 7, {"admin": True}])
async def test_a_role_that_is_none_of_a_tenants_opens_nothing(house: House, role: Any) -> None:
    with pytest.raises(Forbidden):
        await house.admit(house.token(role=role))


def confused(house: House) -> str:
    """The issuer's public key, taken for the secret of a signature that has only one key."""
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, claims, _ = house.token().split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "rsa"}).encode()).rstrip(b"=").decode()
    made = base64.urlsafe_b64encode(hmac.digest(public, f"{head}.{claims}".encode(), sha256)).rstrip(b"=").decode()
    return f"{head}.{claims}.{made}"


def unsigned(house: House) -> str:
    _, claims, _ = house.token().split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "rsa"}).encode()).rstrip(b"=").decode()
    return f"{head}.{claims}."


@pytest.mark.parametrize(
    "made",
    [
        confused,
        unsigned,
        lambda house: house.token(key=OTHER_RSA),
        lambda house: house.token(headers={"kid": "ec"}),
        lambda house: house.token(headers={"kid": "shared"}),
        lambda house: house.token(headers={"kid": "unknown"}),
        lambda house: house.token(headers={"jku": "https://evil.example/keys", "kid": "theirs"}),
        lambda house: house.token(exp=now() - timedelta(minutes=5)),
        lambda house: house.token(exp=None),
        lambda house: house.token(nbf=now() + timedelta(minutes=5)),
        lambda house: house.token(aud="another"),
        lambda house: house.token(aud=None),
        lambda house: house.token(sub=None),
        lambda house: house.token(iss=f"{ISSUER}/"),
        lambda house: house.token(tenant_id=None),
        lambda house: house.token(tenant_id="ten_0000000000000000"),
        lambda house: house.token(tenant_id="../platform"),
        lambda house: house.token(tenant_id=["ten_a"]),
        lambda house: house.token(tenant_id=""),
        lambda house: house.token()[:-4] + "AAAA",
    ],
)
async def test_what_the_issuer_did_not_sign_for_us_opens_nothing(house: House, made: Callable[[House], str]) -> None:
    await house.admit(house.token())
    with pytest.raises(Unauthenticated):
        await house.admit(made(house))


async def test_a_new_key_of_the_issuer_is_found_and_unknown_ones_do_not_flood_it(
    house: House, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.kids = ["ec"]
    await house.admit(house.token("ec"))
    calls = issuer.calls
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await house.admit(house.token("rsa"))
    assert issuer.calls == calls
    issuer.kids = ["ec", "rsa"]
    monkeypatch.setattr("shared.access.outside_tokens._LOOK_S", 0.0)
    await house.admit(house.token("rsa"))


async def test_an_issuer_that_is_away_stops_nobody_whose_key_is_known(
    house: House, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer.is_away = True
    with pytest.raises(StoreUnavailable):
        await house.admit(house.token())
    issuer.is_away = False
    monkeypatch.setattr("shared.access.outside_tokens._FIRST_TRY_S", 0.0)
    await house.admit(house.token())
    issuer.is_away = True
    monkeypatch.setattr("shared.access.outside_tokens._HELD_S", 0.0)
    await house.admit(house.token(jti="another"))


@pytest.mark.parametrize(
    "configuration",
    [
        {"issuer": "https://evil.example", "jwks_uri": f"{ISSUER}/keys"},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": "http://login.example.com/keys"},
    ],
)
async def test_a_configuration_that_names_other_keys_is_not_used(
    house: House, issuer: Issuer, configuration: dict[str, Any]
) -> None:
    issuer.configuration = configuration
    with pytest.raises(StoreUnavailable):
        await house.admit(house.token())


def test_the_settings_of_an_issuer_are_checked() -> None:
    assert OutsideIssuer.from_environ({}) is None
    full = {"AEGIS_OIDC_ISSUER": ISSUER, "AEGIS_OIDC_AUDIENCE": "aegis", "AEGIS_OIDC_ROLE_CLAIM": "a.b"}
    assert OutsideIssuer.from_environ(full) == OutsideIssuer(ISSUER, "aegis", role_claim="a.b")
    for wrong in ({"AEGIS_OIDC_ISSUER": ISSUER}, {**full, "AEGIS_OIDC_ISSUER": "http://login.example.com"}):
        with pytest.raises(SettingError):
            OutsideIssuer.from_environ(wrong)
