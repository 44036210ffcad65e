"""A login is what the records say it is; a token opens what its signature, its session and its user allow."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import msgspec
import pytest
from argon2 import PasswordHasher

from shared.access.accounts import Accounts
from shared.access.cached_principals import cached_key
from shared.access.credentials import Credentials
from shared.access.gate import Gate
from shared.access.login_attempts import LoginAttempts
from shared.access.passwords import is_password
from shared.access.sessions import Sessions, TokenPair, session_name
from shared.access.signing import SigningKeys
from shared.access.tokens import looks_like_token, replay_secret
from shared.access.users import Users
from shared.blobs.port import Blobs
from shared.records import names
from shared.records.structs import SessionRecord, TenantRecord, UserRecord
from shared.redis.client import RedisClient
from shared.types.clock import now
from shared.types.errors import Conflict, NotFound, RateLimited, Unauthenticated

PASSWORD = "correct horse 7"


class House:
    """A tenant with a user, and the gate before it."""

    def __init__(self, blobs: Blobs, redis: RedisClient, tenant: TenantRecord, user: UserRecord) -> None:
        self.blobs, self.redis = blobs, redis
        self.tenant, self.user = tenant, user
        self.users = Users(blobs)
        self.sessions = self.fresh_sessions()
        self.gate = Gate(Credentials(Accounts(blobs, redis), lambda: self.sessions), redis)

    def fresh_sessions(self) -> Sessions:
        """As another process has them."""
        return Sessions(self.blobs, Accounts(self.blobs, self.redis), self.users, SigningKeys(self.blobs))

    async def login(self) -> TokenPair:
        return await self.sessions.begin(self.user)

    async def refuses(self, token: str) -> bool:
        try:
            await self.gate.admit(token, "default")
        except Unauthenticated:
            return True
        return False

    async def secret(self, token: str) -> bytes:
        key = await self.sessions.signing_keys.find(jwt.get_unverified_header(token)["kid"])
        assert key
        return bytes.fromhex(key.secret)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    monkeypatch.setattr("shared.access.passwords._hasher", lambda: quick)


@pytest.fixture
async def house(blobs: Blobs, redis: RedisClient) -> House:
    tenant = await Accounts(blobs, redis).create_tenant("a tenant", "pro")
    user = await Users(blobs).create(tenant.tenant_id, "Anna", PASSWORD, "member", ("staff",))
    return House(blobs, redis, tenant, user)


async def test_a_token_opens_what_its_user_may(house: House) -> None:
    pair = await house.login()
    principal, limits = await house.gate.admit(pair.access_token, "default")
    assert (principal.tenant_id, principal.role, principal.groups) == (house.tenant.tenant_id, "member", ("staff",))
    assert principal.key_id == principal.user_id == house.user.user_id
    assert limits.limit == 100
    assert principal.expires_at and timedelta(minutes=14) < principal.expires_at - now() < timedelta(minutes=16)


async def test_a_redis_that_forgot_all_makes_a_session_slower_and_no_stronger(house: House) -> None:
    alive, ended = await house.login(), await house.login()
    await house.sessions.end_by_token(ended.refresh_token)
    await house.redis.call("FLUSHALL")
    assert not await house.refuses(alive.access_token)
    assert await house.refuses(ended.access_token)


async def test_a_refresh_token_is_good_once_and_ends_its_session_when_it_comes_again(house: House) -> None:
    first, other = await house.login(), await house.login()
    second = await house.sessions.refresh(first.refresh_token)
    assert not await house.refuses(second.access_token) and not await house.refuses(first.access_token)
    with pytest.raises(Unauthenticated):
        await house.sessions.refresh(first.refresh_token)
    for dead in (first, second):
        assert await house.refuses(dead.access_token)
        with pytest.raises(Unauthenticated):
            await house.sessions.refresh(dead.refresh_token)
    assert not await house.refuses(other.access_token)


async def test_of_two_who_come_with_one_refresh_token_at_once_at_most_one_gets_new_ones(house: House) -> None:
    pair = await house.login()
    two = [house.sessions.refresh(pair.refresh_token), house.fresh_sessions().refresh(pair.refresh_token)]
    results = await asyncio.gather(*two, return_exceptions=True)
    assert sum(isinstance(one, TokenPair) for one in results) <= 1
    assert sum(isinstance(one, Unauthenticated) for one in results) >= 1


@pytest.mark.parametrize("change", ["other secret", "next number", "other session", "no form", "other tenant"])
async def test_a_forged_refresh_token_changes_nothing(house: House, change: str) -> None:
    pair = await house.login()
    *ids, number, secret = pair.refresh_token.rsplit("_", 2)
    forged = {
        "other secret": f"{ids[0]}_{number}_{'A' * 43}",
        "next number": f"{ids[0]}_2_{secret}",
        "other session": f"{ids[0][:-1]}{'0' if ids[0][-1] != '0' else '1'}_{number}_{secret}",
        "no form": pair.refresh_token + "x",
        "other tenant": pair.refresh_token.replace(house.tenant.tenant_id, "ten_default"),
    }[change]
    with pytest.raises(Unauthenticated):
        await house.sessions.refresh(forged)
    assert not await house.refuses(pair.access_token)


async def test_a_changed_role_holds_from_the_next_call_on_and_a_deleted_user_has_none(house: House) -> None:
    pair = await house.login()
    await house.gate.admit(pair.access_token, "default")
    promoted = msgspec.structs.replace(house.user, role="admin", groups=())
    await house.users.write(promoted)
    await house.sessions.change(promoted)
    principal, _ = await house.gate.admit(pair.access_token, "default")
    assert principal.role == "admin" and principal.groups == ()
    await house.sessions.end_all(promoted)
    await house.users.erase(promoted)
    assert await house.refuses(pair.access_token)
    with pytest.raises(NotFound):
        await house.users.read(house.tenant.tenant_id, promoted.user_id)


async def test_a_change_of_the_user_brings_no_session_back_that_ends_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = await house.login()
    found = await house.sessions._of(house.user)  # what a change in another process has read
    await house.sessions.end_by_token(pair.refresh_token)

    async def read_before(user: UserRecord) -> list[SessionRecord]:
        return found

    monkeypatch.setattr(house.sessions, "_of", read_before)
    await house.sessions.change(msgspec.structs.replace(house.user, role="admin"))
    assert await house.refuses(pair.access_token)


async def test_a_stolen_row_of_redis_or_record_opens_no_session(house: House) -> None:
    """What is stored is hashed: neither a session's name nor a refresh token's hash is a credential."""
    pair = await house.login()
    session_id = pair.refresh_token.split("_ses_")[1][:16]
    for offered in (session_name(house.tenant.tenant_id, f"ses_{session_id}"), house.user.password_hash):
        assert await house.refuses(offered[:256])
    stored = await house.blobs.read(
        names.refresh_token(house.tenant.tenant_id, house.user.user_id, f"ses_{session_id}", 1)
    )
    assert pair.refresh_token.encode() not in stored


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


CHANGES: dict[str, dict[str, Any]] = {
    "expired": {"exp": 1_700_000_000},
    "without an end": {"exp": None},
    "begins later": {"nbf": 4_000_000_000},
    "issued later": {"iat": 4_000_000_000},
    "wrong issuer": {"iss": "https://evil.example"},
    "wrong audience": {"aud": "another"},
    "one audience of two": {"aud": ["aegisrag", "another"]},
    "without an audience": {"aud": None},
    "without a session": {"sid": None},
    "another session": {"sid": "ses_0000000000000000"},
    "another user": {"sub": "usr_0000000000000000"},
    "a path as tenant": {"tid": "../../platform"},
    "no text as tenant": {"tid": 7},
    "no text as end": {"exp": "soon"},
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_token_with_our_signature_and_other_claims_opens_nothing(house: House, change: str) -> None:
    token = (await house.login()).access_token
    claims = {**jwt.decode(token, options={"verify_signature": False}), **CHANGES[change]}
    claims = {name: value for name, value in claims.items() if value is not None}
    header = jwt.get_unverified_header(token)
    body = f"{encoded(header)}.{encoded(claims)}"
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        body.encode(), await house.secret(token)
    )
    forged = f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    assert looks_like_token(forged)
    assert await house.refuses(forged)


HEADERS: dict[str, dict[str, Any]] = {
    "none": {"alg": "none"},
    "None": {"alg": "None"},
    "another hash": {"alg": "HS512"},
    "a public key's": {"alg": "RS256"},
    "empty kid": {"kid": ""},
    "a path as kid": {"kid": "../../keys/x"},
    "an SQL as kid": {"kid": "x' UNION SELECT 'a"},
    "a list as kid": {"kid": ["a"]},
    "no kid": {"kid": None},
    "a key inside": {"jwk": {"kty": "oct", "k": "AAAA"}, "kid": "sig_0000000000000000"},
    "a key elsewhere": {"jku": "http://evil.example/jwks", "kid": "sig_0000000000000000"},
    "critical": {"crit": ["exp"]},
}


@pytest.mark.parametrize("change", HEADERS)
@pytest.mark.parametrize("signature", ["kept", "none", "of the empty key"])
async def test_no_header_chooses_how_a_token_is_verified(house: House, change: str, signature: str) -> None:
    token = (await house.login()).access_token
    _, claims, old = token.split(".")
    header = {**jwt.get_unverified_header(token), **HEADERS[change]}
    body = f"{encoded({name: value for name, value in header.items() if value is not None})}.{claims}"
    made = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(body.encode(), b"")
    empty = base64.urlsafe_b64encode(made).rstrip(b"=").decode()
    assert await house.refuses(f"{body}.{ {'kept': old, 'none': '', 'of the empty key': empty}[signature] }")


@pytest.mark.parametrize("token", ["e.y.", "ey..", "ey.a.b", "ey" + "a" * 5000 + ".b.c", "eyJ\u00e9.a.b", "ey\n.a.b"])
async def test_what_only_looks_like_a_token_is_refused(house: House, token: str) -> None:
    assert await house.refuses(token)


async def test_after_a_rotation_tokens_of_both_keys_are_taken_in_every_process(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await house.login()
    monkeypatch.setattr("shared.access.signing._LOOK_S", 0.0)
    monkeypatch.setattr("shared.access.signing._ADOPTED", timedelta())
    elsewhere = house.fresh_sessions()
    rotated = await elsewhere.signing_keys.rotate()
    after = await elsewhere.begin(house.user)
    assert jwt.get_unverified_header(after.access_token)["kid"] == rotated.kid
    assert not await house.refuses(after.access_token) and not await house.refuses(before.access_token)


async def test_a_signing_key_ends_when_its_last_token_has(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await house.login()
    keys = house.sessions.signing_keys
    await keys.rotate()
    later = now() + timedelta(hours=1)
    monkeypatch.setattr("shared.access.signing.now", lambda: later)
    await keys.rotate()
    kid = jwt.get_unverified_header(before.access_token)["kid"]
    assert await SigningKeys(house.blobs).find(kid) is None


async def test_one_name_is_one_user_however_it_is_written(house: House) -> None:
    for taken in ("anna", " ANNA ", "\uff21nna"):
        with pytest.raises(Conflict):
            await house.users.create("ten_other", taken, PASSWORD, "reader")
    found = await house.users.by_name("ANNA")
    assert found and found.user_id == house.user.user_id
    await house.users.erase(house.user)
    assert (await house.users.create("ten_other", "anna", PASSWORD, "reader")).tenant_id == "ten_other"


async def test_two_who_take_one_name_at_once_are_not_two_users(house: House) -> None:
    made = await asyncio.gather(
        *(house.users.create(house.tenant.tenant_id, "Ben", PASSWORD, "reader") for _ in range(4)),
        return_exceptions=True,
    )
    users = [one for one in made if isinstance(one, UserRecord)]
    found = await house.users.by_name("ben")
    assert found and found.user_id in {user.user_id for user in users}


async def test_a_password_is_stored_as_a_slow_hash_and_nobody_has_none(house: House) -> None:
    assert house.user.password_hash.startswith("$argon2id$") and PASSWORD not in house.user.password_hash
    assert await is_password(PASSWORD, house.user.password_hash)
    assert not await is_password("correct horse 8", house.user.password_hash)
    assert not await is_password("no password of any user", None)


async def test_who_guesses_has_to_wait_and_who_knows_does_not(redis: RedisClient) -> None:
    attempts = LoginAttempts(redis)

    async def free(name: str, address: str) -> bool:
        try:
            await attempts.begin(name, address)
        except RateLimited as error:
            assert error.retry_after and error.retry_after <= 900
            return False
        return True

    assert [await free("Anna", f"10.0.0.{at}") for at in range(8)] == [True] * 5 + [False] * 3
    assert not await free("ANNA ", "10.0.0.9")
    assert await free("Ben", "10.0.0.1")
    at_once = await asyncio.gather(*(free(f"user {at}", "10.9.9.9") for at in range(30)))
    assert sum(at_once) == 20
    for _ in range(30):
        assert await free("Carla", "10.7.7.7")
        await attempts.succeed("Carla", "10.7.7.7")


async def test_the_answers_of_idempotent_calls_stay_readable_for_the_next_tokens_of_a_login(house: House) -> None:
    first, other = await house.login(), await house.login()
    second = await house.sessions.refresh(first.refresh_token)
    assert replay_secret(first.access_token) == replay_secret(second.access_token) != replay_secret(other.access_token)
    assert replay_secret("aeg_key") == "aeg_key"
    cached = await house.redis.call("KEYS", cached_key("*"))
    stored = str([await house.redis.call("HGETALL", name) for name in cached])
    assert replay_secret(first.access_token) not in stored
