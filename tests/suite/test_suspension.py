"""A suspended tenant is refused everywhere and loses nothing."""

import httpx

from tests.suite.running import Caller, Running

PASSWORD = "correct horse 7"
NOTE = b"# Halls\n\nThe Quetzalcoatlus is kept in hall nine.\n"


def suspend(operator: Caller, tenant_id: str, suspended: bool) -> None:
    changed = operator.patch(f"/tenants/{tenant_id}", json={"suspended": suspended}).raise_for_status().json()
    assert changed["suspended"] is suspended
    assert operator.get(f"/tenants/{tenant_id}").json()["suspended"] is suspended


def assert_suspended(answer: httpx.Response) -> None:
    assert answer.status_code == 403, answer.text
    assert "suspended" in answer.text


def test_every_credential_is_refused_until_the_tenant_is_resumed(server: Running, operator: Caller) -> None:
    tenant_id, admin = server.create_tenant("suspended")
    _, other = server.create_tenant("active")
    user = {"username": "suspended-user", "password": PASSWORD}
    admin.post("/users", json={**user, "role": "reader"}).raise_for_status()
    tokens = admin.post("/auth/login", json=user).raise_for_status().json()
    refresh = {"refresh_token": tokens["refresh_token"]}
    document_id = admin.ingest(NOTE)["document_id"]
    with server.caller(tokens["access_token"]) as reader, server.caller(None) as public:
        assert reader.get("/documents").status_code == 200
        suspend(operator, tenant_id, True)
        for caller in (admin, reader):
            assert_suspended(caller.get("/documents"))
            assert_suspended(caller.post("/ask", json={"question": "Where is the Quetzalcoatlus?"}))
            assert_suspended(caller.get("/v1/models"))
            assert_suspended(caller.post("/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}))
        assert_suspended(public.post("/auth/login", json=user))
        assert public.post("/auth/login", json={**user, "password": "wrong"}).status_code == 401
        assert_suspended(public.post("/auth/refresh", json=refresh))
        assert other.get("/documents").status_code == 200
        suspend(operator, tenant_id, False)
        assert admin.get(f"/documents/{document_id}").json()["status"] == "ready"
        assert reader.get("/documents").status_code == 200
        public.post("/auth/refresh", json=refresh).raise_for_status()
    admin.close()
    other.close()
