"""The audit list names who did what to what: logins, accesses, changes and erasures, without a word of any text."""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.suite.running import Caller, Running

SECRET = "Quetzalcoatlus-4471"
PASSWORD = "correct horse 7"


class Tenant(NamedTuple):
    server: Running
    tenant_id: str
    admin: Caller

    def items(self, kind: str = "", caller: Caller | None = None) -> list[dict[str, Any]]:
        params = {"kind": kind} if kind else {}
        items: list[dict[str, Any]] = (
            (caller or self.admin).get("/audit", params=params).raise_for_status().json()["items"]
        )
        return items

    def newest(self, kind: str, act: Callable[[], httpx.Response]) -> dict[str, Any]:
        answer = act().raise_for_status()
        found = self.items(kind)[0]
        assert found["label"] == answer.headers["X-Request-ID"]
        assert found["kind"] == kind and found["tenant_id"] == self.tenant_id and found["address"]
        return found


@pytest.fixture
def tenant(server: Running) -> Iterator[Tenant]:
    tenant_id, admin = server.create_tenant("audited")
    yield Tenant(server, tenant_id, admin)
    admin.close()


def test_each_kind_of_act_is_listed_with_who_and_what(tenant: Tenant, operator: Caller) -> None:
    admin = tenant.admin
    document_id = admin.ingest(f"# {SECRET}\n\nIt weighs 250 kilograms.\n".encode())["document_id"]
    read = tenant.newest("access", lambda: admin.get(f"/documents/{document_id}/content"))
    assert read["action"] == "GET /documents/{document_id}/content" and read["targets"] == {"document_id": document_id}
    assert read["actor_id"].startswith("key_")
    changed = tenant.newest("change", lambda: admin.patch(f"/documents/{document_id}", json={"title": SECRET}))
    assert changed["fields"] == ["title"] and changed["targets"] == {"document_id": document_id}
    key = admin.post("/keys", json={"name": SECRET, "role": "reader"})
    assert tenant.items("change")[0]["targets"] == {"key_id": key.json()["key_id"]}
    assert tenant.items("change")[0]["fields"] == ["name", "role"]
    settings = tenant.newest("change", lambda: admin.patch("/settings", json={"cloud_allowed": False}))
    assert settings["fields"] == ["cloud_allowed"]
    erased = tenant.newest("erasure", lambda: admin.delete(f"/documents/{document_id}"))
    assert erased["targets"] == {"document_id": document_id}
    operator.patch(f"/tenants/{tenant.tenant_id}", json={"tier": "pro"}).raise_for_status()
    assert tenant.items("change")[0]["action"] == "PATCH /tenants/{tenant_id}"
    assert SECRET not in admin.get("/audit").text


def test_what_was_refused_or_failed_is_no_act(tenant: Tenant) -> None:
    before = len(tenant.items("change"))
    assert tenant.admin.post("/keys", json={"name": ""}).status_code == 400
    assert tenant.admin.delete("/keys/key_0000000000000000").status_code == 404
    with tenant.server.caller(tenant.admin.create_key(role="reader")["api_key"]) as reader:
        assert reader.post("/keys", json={"name": "no"}).status_code == 403
    assert len(tenant.items("change")) == before + 1  # the reader's key


def test_logins_are_listed_also_those_that_were_refused(tenant: Tenant, operator: Caller) -> None:
    name = f"audited-{time.monotonic_ns()}"
    user = tenant.admin.post("/users", json={"username": name, "password": PASSWORD}).raise_for_status().json()
    with tenant.server.caller(None, comes_again=False) as nobody:
        headers = {"X-Forwarded-For": "2001:db8:78::1"}
        for username, password in ((name, PASSWORD), (name, "a wrong one 9"), (f"{name}-unknown", "a wrong one 9")):
            nobody.post("/auth/login", json={"username": username, "password": password}, headers=headers)
    refused, done = tenant.items("login")
    assert (done["done"], refused["done"]) == (True, False)
    assert done["actor_id"] == refused["actor_id"] == user["user_id"]
    unknown = tenant.items("login", operator)[0]
    assert (unknown["done"], unknown["tenant_id"], unknown["actor_id"]) == (False, None, None)
    assert name not in tenant.admin.get("/audit").text
    report = tenant.admin.get("/audit/report").raise_for_status().json()
    assert report["logins"] == {"succeeded": 1, "refused": 1}
    assert report["changes"] == {"POST /tenants": 1, "POST /users": 1}
    assert report["accesses"] == report["erasures"] == {}


def test_the_acts_of_another_tenant_are_not_listed(tenant: Tenant, server: Running) -> None:
    other_id, other = server.create_tenant("another")
    other.create_key(name="theirs")
    assert all(item["tenant_id"] == tenant.tenant_id for item in tenant.items())
    assert all(item["tenant_id"] == other_id for item in tenant.items(caller=other))
    other.close()
