"""Users log in over HTTP, do what their role says, and are out when they log out, are changed or deleted."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.suite.running import Caller, Running

PASSWORD = "correct horse 7"


class Tenant(NamedTuple):
    server: Running
    admin: Caller
    address: str

    def login(self, username: str, password: str = PASSWORD) -> httpx.Response:
        # Logins are limited by address, and there are many here.
        with self.server.caller(None, comes_again=False) as caller:
            return caller.post(
                "/auth/login",
                json={"username": username, "password": password},
                headers={"X-Forwarded-For": self.address},
            )

    def user(self, name: str, **fields: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        created = self.admin.post("/users", json={"username": name, "password": PASSWORD, **fields})
        assert created.status_code == 201, created.text
        return created.json(), self.login(name).raise_for_status().json()


@pytest.fixture
def tenant(server: Running, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    _, admin = server.create_tenant("logins")
    yield Tenant(server, admin, f"2001:db8:77::{abs(hash(request.node.name)) % 65_000:x}")
    admin.close()


def test_a_login_opens_the_tenants_documents_by_its_role(tenant: Tenant) -> None:
    tenant.admin.ingest(b"# Tides\n\nThe tide at Molde is two metres high.\n")
    user, tokens = tenant.user("login-reads", role="reader", groups=["staff"])
    assert user["groups"] == ["staff"] and tokens["token_type"] == "Bearer" and tokens["expires_in"] == 900
    assert tenant.admin.get(f"/users/{user['user_id']}").json() == user
    with tenant.server.caller(tokens["access_token"]) as caller:
        answer = caller.post("/ask", json={"question": "How high is the tide at Molde?"}).json()
        assert "two metres" in answer["answer"]
        assert caller.get(f"/conversations/{answer['conversation_id']}").status_code == 200
        assert caller.upload(b"# No\n").status_code == 403
        assert caller.get("/users").status_code == 403
        promoted = tenant.admin.patch(f"/users/{user['user_id']}", json={"role": "admin"})
        assert promoted.json()["role"] == "admin" and promoted.json()["groups"] == ["staff"]
        assert caller.get("/users").status_code == 200
        assert tenant.admin.delete(f"/users/{user['user_id']}").status_code == 204
        assert caller.get("/documents").status_code == 401
    assert tenant.login("login-reads").status_code == 401


def test_tokens_are_renewed_once_and_a_logout_ends_them(tenant: Tenant) -> None:
    _, first = tenant.user("login-renews")
    with tenant.server.caller(None) as nobody:
        second = nobody.post("/auth/refresh", json={"refresh_token": first["refresh_token"]}).raise_for_status().json()
        assert nobody.post("/auth/logout", json={"refresh_token": second["refresh_token"]}).status_code == 204
        assert nobody.post("/auth/refresh", json={"refresh_token": second["refresh_token"]}).status_code == 401
        assert nobody.post("/auth/logout").status_code == 401
    third = tenant.login("login-renews").json()
    with tenant.server.caller(third["access_token"]) as caller:
        assert caller.get("/documents").status_code == 200
        assert caller.post("/auth/logout").status_code == 204
        assert caller.get("/documents").status_code == 401
    with tenant.server.caller(second["access_token"]) as caller:
        assert caller.get("/documents").status_code == 401


def test_a_new_password_ends_the_sessions_before_it(tenant: Tenant) -> None:
    user, tokens = tenant.user("login-changes")
    changed = tenant.admin.patch(f"/users/{user['user_id']}", json={"password": "another horse 8"})
    assert changed.status_code == 200 and "password" not in changed.text
    with tenant.server.caller(tokens["access_token"]) as caller:
        assert caller.get("/documents").status_code == 401
    assert tenant.login("login-changes").status_code == 401
    assert tenant.login("login-changes", "another horse 8").status_code == 200


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"password": "short"}, "/password"),
        ({"password": "aaaaaaaaaaaaaaa"}, "/password"),
        ({"username": "a name like it", "password": "A NAME like it"}, "/password"),
        ({"username": " "}, "/username"),
        ({"role": "operator"}, "/role"),
        ({"groups": ["a b"]}, "/groups/0"),
        ({"colour": 1}, "/colour"),
    ],
)
def test_a_user_that_cannot_be_is_refused_by_its_field(tenant: Tenant, fields: dict[str, Any], pointer: str) -> None:
    refused = tenant.admin.post("/users", json={"username": "login-refused", "password": PASSWORD, **fields})
    assert refused.status_code == 400, refused.text
    assert refused.json()["errors"][0]["pointer"] == pointer


def test_a_name_is_taken_once_and_guessing_is_slowed_down(tenant: Tenant) -> None:
    tenant.user("login-guessed")
    again = tenant.admin.post("/users", json={"username": "LOGIN-guessed", "password": PASSWORD})
    assert again.status_code == 409
    answers = [tenant.login("login-guessed", "wrong") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 5
    # The waits double: however slow this machine is, one is met.
    waits = (tenant.login("login-guessed", "wrong") for _ in range(20))
    refused = next(answer for answer in waits if answer.status_code != 401)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) >= 1
    unknown = tenant.login("login-nobody", "wrong")
    assert unknown.json()["detail"] == answers[0].json()["detail"]


def test_an_idempotent_call_is_given_again_to_the_next_token_of_its_login(tenant: Tenant) -> None:
    _, tokens = tenant.user("login-repeats", role="admin")
    key = {"Idempotency-Key": "one"}
    with tenant.server.caller(tokens["access_token"]) as caller:
        made = caller.post("/keys", json={"name": "made once"}, headers=key)
        renewed = caller.post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).json()
    with tenant.server.caller(renewed["access_token"]) as caller:
        repeated = caller.post("/keys", json={"name": "made once"}, headers=key)
    assert made.status_code == repeated.status_code == 201
    assert repeated.headers["Idempotent-Replayed"] == "true" and repeated.json() == made.json()


def test_no_password_and_no_token_is_in_the_log(tenant: Tenant) -> None:
    _, tokens = tenant.user("login-logged")
    tenant.login("login-logged", "a wrong secret 9")
    log = tenant.server.log_after_a_call()
    for secret in (PASSWORD, "a wrong secret 9", tokens["access_token"], tokens["refresh_token"]):
        assert secret not in log
