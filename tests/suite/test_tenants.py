"""No call reaches another tenant: every route of the table, with every credential that should not open it.

A route of the table without a case here fails `test_every_route_has_a_case`.
"""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from shared.access.apikeys import new_id, new_key
from shared.records import names
from shared.records.structs import DeadLetter
from shared.table.table import Operation, load
from shared.types.clock import now
from shared.types.principal import SCOPES
from tests.shared.parsing import drawn
from tests.suite.running import Caller, Running

PASSWORD = "correct horse 7"
CANARY = "Quetzalcoatlus-7731"
TEXT = f"# {CANARY}\n\nThe {CANARY} weighs 250 kilograms and is kept in hall nine.\n".encode()


@dataclass(frozen=True)
class Case:
    """A call of a route that an admin, or an operator, may make. `fresh` is what a successful call uses up, `scope`
    what the call takes where the route alone does not say it."""

    json: dict[str, Any] | None = None
    media_type: str = "application/json"
    form: bool = False
    fresh: str = ""
    scope: str = ""
    query: dict[str, str] = field(default_factory=dict)


CLOUD_EVENT = "application/cloudevents+json"
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/a-producer",
    "type": "aegis.document.submitted.v1",
    "data": {"filename": "ours.md", "content_base64": base64.b64encode(TEXT).decode()},
}
GRAPH: dict[str, Any] = {
    "kind": "passage",
    "passage_id": "psg_imported",
    "document_id": "doc_imported",
    "generation": 1,
    "position": 0,
    "mentions": [{"name": CANARY}, {"name": "Hall"}],
}
ROUTES = [operation for _, operation in load().routes()]
CASES = {
    **{route.on: Case() for route in ROUTES if route.method == "GET"},
    "POST /events": Case(json=EVENT, media_type=CLOUD_EVENT),
    "POST /upload": Case(form=True),
    "POST /estimate": Case(form=True),
    "POST /failed/{dead_letter_id}/replay": Case(fresh="letter"),
    "DELETE /failed/{dead_letter_id}": Case(fresh="letter"),
    "POST /ask": Case(json={"question": f"What does the {CANARY} weigh?"}),
    "POST /v1/chat/completions": Case(
        json={"model": "aegis", "messages": [{"role": "user", "content": f"What does the {CANARY} weigh?"}]},
        scope="ask",
    ),
    "POST /v1/responses": Case(json={"model": "aegis", "input": f"What does the {CANARY} weigh?"}, scope="ask"),
    "POST /v1/completions": Case(json={"model": "aegis", "prompt": f"What does the {CANARY} weigh?"}, scope="ask"),
    "POST /v1/embeddings": Case(json={"model": "aegis", "input": "a word"}, scope="ask"),
    "POST /feedback": Case(json={"rating": "up"}, fresh="request"),
    "POST /search": Case(json={"query": CANARY}),
    "POST /mcp": Case(
        json={
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "ask", "arguments": {"question": f"What does the {CANARY} weigh?"}},
        }
    ),
    "GET /documents/{document_id}/pages": Case(fresh="pages"),
    "GET /documents/{document_id}/pages/{page}": Case(fresh="pages"),
    "PATCH /documents/{document_id}": Case(json={"title": "Another title"}, fresh="document"),
    "DELETE /documents/{document_id}": Case(fresh="document"),
    "POST /documents/{document_id}/retry": Case(json={}, fresh="document"),
    "GET /graph/paths": Case(query={"from": CANARY, "to": "Hall"}),
    "POST /graph/import": Case(json=GRAPH, media_type="application/x-ndjson"),
    "POST /auth/login": Case(fresh="login"),
    "POST /auth/refresh": Case(fresh="refresh"),
    "POST /auth/logout": Case(fresh="refresh"),
    "POST /auth/signing-keys": Case(json={}),
    "POST /users": Case(json={"role": "reader", "password": PASSWORD}),
    "PATCH /users/{user_id}": Case(json={"role": "reader"}, fresh="user"),
    "DELETE /users/{user_id}": Case(fresh="user"),
    "POST /keys": Case(json={"name": "one more"}),
    "POST /keys/{key_id}/rotate": Case(json={}, fresh="key"),
    "DELETE /keys/{key_id}": Case(fresh="key"),
    "POST /tenants": Case(json={"name": "one more", "tier": "free"}),
    "PATCH /tenants/{tenant_id}": Case(json={"name": "another name"}, fresh="tenant"),
    "DELETE /tenants/{tenant_id}": Case(fresh="tenant"),
    "PUT /budget": Case(json={"scope": "tenant", "daily_usd": 1}),
    "PUT /budget/models/{model}": Case(json={"enabled": True}),
    "DELETE /conversations/{conversation_id}": Case(fresh="conversation"),
    "PATCH /settings": Case(json={"retention_days": None}),
}
"""A call of each route. A GET takes nothing but its path, unless it is listed."""

GUARDED = [operation for operation in ROUTES if operation.role != "public"]
OF_TENANTS = [operation for operation in GUARDED if operation.roles != ("operator",)]
WITH_SCOPE = [route for route in OF_TENANTS if route.scope or CASES[route.on].scope]
LENIENT = [route for route in GUARDED if route.path.startswith(("/v1/", "/mcp"))]
"""They follow a protocol of others, in which unknown fields are ignored."""
STRICT = [route for route in GUARDED if route not in LENIENT]
WITH_ID = [one for one in OF_TENANTS if "{" in one.path and "/models/" not in one.path]
RANK = ["reader", "member", "admin"]

each_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.on)
each_guarded_route = pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.on)
each_route_with_a_scope = pytest.mark.parametrize("route", WITH_SCOPE, ids=lambda route: route.on)
each_strict_route = pytest.mark.parametrize("route", STRICT, ids=lambda route: route.on)
each_lenient_route = pytest.mark.parametrize("route", LENIENT, ids=lambda route: route.on)
each_route_with_an_id = pytest.mark.parametrize("route", WITH_ID, ids=lambda route: route.on)

MISSING = {
    "document_id": "doc_" + "0" * 32,
    "dead_letter_id": "dlq_" + "0" * 24,
    "key_id": "key_" + "0" * 16,
    "user_id": "usr_" + "0" * 16,
    "tenant_id": "ten_" + "0" * 16,
    "conversation_id": "cnv_" + "0" * 24,
    "entity_id": "ent_" + "0" * 32,
    "page": "1.png",
    "slug": "not-found",
    "model": "no-such-model",
    "id": "no-such-model",
}


@dataclass
class House:
    """A tenant with one of everything."""

    tenant_id: str
    admin: Caller
    document: dict[str, Any]
    key_id: str
    user_id: str
    dead_letter_id: str
    conversation_id: str
    entity_id: str
    keys: dict[str, str] = field(default_factory=dict)

    @property
    def ids(self) -> dict[str, str]:
        return {
            "document_id": self.document["document_id"],
            "dead_letter_id": self.dead_letter_id,
            "key_id": self.key_id,
            "user_id": self.user_id,
            "tenant_id": self.tenant_id,
            "conversation_id": self.conversation_id,
            "entity_id": self.entity_id,
            "page": "1.png",
            "slug": "not-found",
            "model": "gpt-oss:20b",
            "id": "aegis",
        }

    def everything(self, after: Operation) -> Any:
        """All that the tenant owns, as its admin sees it, where a call of the route could change it."""
        if after.method == "GET":
            return None
        keys = [{**key, "last_used_at": None} for key in self.admin.get("/keys").raise_for_status().json()["items"]]
        document = self.ids["document_id"]
        return (
            self.admin.get("/documents").raise_for_status().json(),
            self.admin.get(f"/documents/{document}/content").raise_for_status().text,
            keys,
            self.admin.get("/users").raise_for_status().json(),
            self.admin.get("/failed").raise_for_status().json(),
            self.admin.get("/graph/export").raise_for_status().text,
        )


def keep_letter(server: Running, tenant_id: str) -> str:
    """Puts a dead letter of the tenant into the ledger, as a function that failed five times would."""
    dead_letter_id = "dlq_" + new_id("")
    document_id = "doc_" + new_id("")
    event = {
        "id": dead_letter_id,
        "source": "/upload",
        "type": "aegis.document.stored.v1",
        "subject": document_id,
        "aegistenant": tenant_id,
        "epoch": "1",
        "data": {"filename": CANARY},
    }
    dead_letter = DeadLetter(dead_letter_id, tenant_id, document_id, "parse", event, 500, "a fault", 5, now())
    write_blob(server, names.dead_letter(tenant_id, dead_letter_id), msgspec.json.encode(dead_letter))
    return dead_letter_id


def write_blob(server: Running, name: str, content: bytes) -> None:
    """Into the ledger of a server that runs, past it."""
    path = server.data / "blobs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    part = server.data.with_name(path.name)
    part.write_bytes(content)
    part.rename(path)


def furnish(server: Running, name: str) -> House:
    tenant_id, admin = server.create_tenant(name)
    document = admin.ingest(TEXT, f"{name}.md")
    assert document["status"] == "ready"
    keys = {role: admin.create_key(role=role)["api_key"] for role in RANK}
    spare = admin.create_key(name="spare")
    dead_letter_id = keep_letter(server, tenant_id)
    conversation_id, entity_id = begin_conversation(admin), import_entity(admin)
    return House(
        tenant_id,
        admin,
        document,
        spare["key_id"],
        create_user(admin)["user_id"],
        dead_letter_id,
        conversation_id,
        entity_id,
        keys,
    )


def import_entity(caller: Caller) -> str:
    headers = {"Content-Type": "application/x-ndjson"}
    caller.post("/graph/import", content=json.dumps(GRAPH), headers=headers).raise_for_status()
    [found] = caller.get("/graph/entities", params={"q": CANARY}).raise_for_status().json()["items"]
    entity_id: str = found["entity_id"]
    return entity_id


def create_user(admin: Caller, username: str = "") -> dict[str, Any]:
    body = {"username": username or new_id("user-"), "password": PASSWORD, "role": "member"}
    created: dict[str, Any] = admin.post("/users", json=body).raise_for_status().json()
    return created


def ask(caller: Caller) -> dict[str, Any]:
    answer = caller.post("/ask", json={"question": f"What does the {CANARY} weigh?"}).raise_for_status()
    answered: dict[str, Any] = answer.json()
    return answered


def begin_conversation(caller: Caller) -> str:
    conversation_id: str = ask(caller)["conversation_id"]
    return conversation_id


@pytest.fixture(scope="module")
def ours(server: Running) -> Iterator[House]:
    house = furnish(server, f"ours of {CANARY}")
    yield house
    house.admin.close()


@pytest.fixture(scope="module")
def theirs(server: Running) -> Iterator[House]:
    """Another tenant, with the same file."""
    house = furnish(server, "theirs")
    yield house
    house.admin.close()


@pytest.fixture(scope="module")
def dead_keys(server: Running, ours: House) -> dict[str, str | None]:
    """Credentials that open nothing, by what is wrong with them."""
    revoked = ours.admin.create_key(name="revoked")
    assert ours.admin.delete(f"/keys/{revoked['key_id']}").status_code == 204
    expiring = ours.admin.create_key(name="expiring", expires_at=in_seconds(1.2))
    gone_id, gone = server.create_tenant("gone")
    with server.caller(server.operator_key) as operator:
        assert operator.delete(f"/tenants/{gone_id}").status_code == 204
    with server.caller(expiring["api_key"]) as caller:
        wait_until_refused(caller)
    return {
        "none": None,
        "malformed": "aeg_0123",
        "one letter wrong": swap_last(ours.keys["admin"]),
        "unknown": new_key(new_id("key_")),
        "revoked": revoked["api_key"],
        "expired": expiring["api_key"],
        "of a deleted tenant": gone.key,
    }


def in_seconds(seconds: float) -> str:
    return (now() + timedelta(seconds=seconds)).isoformat()


def wait_until_refused(caller: Caller) -> None:
    until = time.monotonic() + 60
    while caller.get("/documents").status_code == 200:
        assert time.monotonic() < until
        time.sleep(0.1)


def swap_last(key: str) -> str:
    return key[:-1] + ("a" if key[-1] != "a" else "b")


def call(caller: Caller, route: Operation, ids: dict[str, str], **more: Any) -> httpx.Response:
    """A call as the route's case says, on these ids. `more` goes into the body, or the query where there is none."""
    case = CASES[route.on]
    path = route.path.format(**ids)
    if case.form:
        return caller.post(path, files={"file": ("ours.md", TEXT)}, data=more)
    if route.method in ("GET", "DELETE"):
        return caller.request(route.method, path, params={**case.query, **more} or None)
    body = {**(case.json or {}), **more}
    if route.on == "POST /users":
        body["username"] = new_id("user-")
    if "data" in body:
        body = {**EVENT, "data": {**EVENT["data"], **more}}
    return caller.request(route.method, path, json=body, headers={"Content-Type": case.media_type})


def comparable(response: httpx.Response) -> Any:
    """What the caller is told, but for what names the call itself."""
    body = response.json()
    headers = {k: v for k, v in response.headers.items() if k not in ("date", "x-request-id", "content-length")}
    return response.status_code, headers, {k: v for k, v in body.items() if k not in ("request_id", "instance")}


def without(response: httpx.Response, ids: dict[str, str]) -> str:
    """The whole answer without the ids that the caller sent itself."""
    text = f"{response.headers} {response.text}"
    for sent in ids.values():
        text = text.replace(sent, "")
    return text


def may(role: str, route: Operation) -> bool:
    if role == "operator":
        return "operator" in route.roles
    return any(RANK.index(role) >= RANK.index(needed) for needed in route.roles if needed in RANK)


def test_every_route_has_a_case() -> None:
    assert {route.on for route in ROUTES} == set(CASES)


@each_route
def test_each_case_is_a_call_that_works(route: Operation, server: Running, operator: Caller, theirs: House) -> None:
    """Else the refusals below would prove nothing."""
    ids, more = dict(theirs.ids), dict[str, str]()
    match CASES[route.on].fresh:
        case "document":
            ids["document_id"] = theirs.admin.ingest(f"# Fresh\n\n{route.on}\n".encode())["document_id"]
        case "pages":
            pages = drawn.pdf(drawn.text_page())
            ids["document_id"] = theirs.admin.ingest(pages, "pages.pdf")["document_id"]
        case "key":
            ids["key_id"] = theirs.admin.create_key()["key_id"]
        case "user":
            ids["user_id"] = create_user(theirs.admin)["user_id"]
        case "login" | "refresh" as fresh:
            username = create_user(theirs.admin)["username"]
            more = {"username": username, "password": PASSWORD}
            if fresh == "refresh":
                more = {"refresh_token": theirs.admin.post("/auth/login", json=more).json()["refresh_token"]}
        case "conversation":
            ids["conversation_id"] = begin_conversation(theirs.admin)
        case "letter":
            ids["dead_letter_id"] = keep_letter(server, theirs.tenant_id)
        case "request":
            more = {"request_id": ask(theirs.admin)["request_id"]}
        case "tenant":
            ids["tenant_id"] = server.create_tenant("fresh")[0]
    caller = operator if route.roles == ("operator",) else theirs.admin
    answer = call(caller, route, ids, **more)
    assert answer.status_code in (200, 201, 202, 204), answer.text


@each_guarded_route
def test_a_dead_credential_opens_nothing(
    route: Operation, server: Running, ours: House, dead_keys: dict[str, str | None]
) -> None:
    for fault, key in dead_keys.items():
        with server.caller(key) as caller:
            # Refused keys are limited by address, and there are many here.
            caller.headers["X-Forwarded-For"] = f"2001:db8:{GUARDED.index(route):x}::1"
            there, missing = call(caller, route, ours.ids), call(caller, route, MISSING)
        assert there.status_code == 401, (fault, there.text)
        assert "/problems/unauthenticated" in there.text or "invalid_api_key" in there.text
        assert comparable(there) == comparable(missing), fault
        assert CANARY not in there.text


@each_guarded_route
@pytest.mark.parametrize("role", [*RANK, "operator"])
def test_a_role_opens_what_the_table_says_and_no_more(
    route: Operation, role: str, server: Running, ours: House
) -> None:
    before = ours.everything(route)
    with server.caller(server.operator_key if role == "operator" else ours.keys[role]) as caller:
        if may(role, route):
            assert call(caller, route, MISSING).status_code not in (401, 403)
        else:
            refused = call(caller, route, ours.ids)
            assert refused.status_code == 403, refused.text
            assert CANARY not in refused.text
            assert ours.everything(route) == before


@each_route_with_a_scope
def test_a_key_without_the_rows_scope_is_refused(route: Operation, server: Running, ours: House) -> None:
    needed = route.scope or CASES[route.on].scope
    others = [scope for scope in SCOPES if scope != needed]
    key = ours.admin.create_key(role="admin", scopes=others)
    with server.caller(key["api_key"]) as caller:
        refused = call(caller, route, ours.ids)
    assert refused.status_code == 403
    assert f"`{needed}`" in refused.text
    assert ours.admin.delete(f"/keys/{key['key_id']}").status_code == 204


@each_route_with_an_id
def test_a_foreign_id_answers_like_a_missing_one(route: Operation, ours: House, theirs: House) -> None:
    before = ours.everything(route)
    foreign, missing = call(theirs.admin, route, ours.ids), call(theirs.admin, route, MISSING)
    assert foreign.status_code == 404
    assert comparable(foreign) == comparable(missing)
    assert CANARY not in foreign.text
    assert ours.everything(route) == before


@pytest.mark.parametrize("route", [route for route in OF_TENANTS if route.method == "GET"], ids=lambda route: route.on)
def test_an_operator_gets_no_word_of_a_tenants_documents(route: Operation, operator: Caller, ours: House) -> None:
    assert CANARY not in without(call(operator, route, ours.ids), ours.ids)


def test_an_operator_sees_no_text_in_any_list(operator: Caller, ours: House) -> None:
    for path in ("/failed", "/tenants", f"/failed/{ours.dead_letter_id}", f"/tenants/{ours.tenant_id}"):
        listed = operator.get(path).raise_for_status().text
        assert CANARY not in listed.replace(f"ours of {CANARY}", "")  # the tenant's own name is the operator's to give


@pytest.mark.parametrize("path", ["/search", "/ask"])
def test_foreign_document_ids_in_a_question_find_what_missing_ones_find(path: str, ours: House, theirs: House) -> None:
    asked = {"/search": {"query": CANARY}, "/ask": {"question": f"What does the {CANARY} weigh?"}}[path]
    found = []
    for ids in (ours.ids, MISSING):
        answer = theirs.admin.post(path, json={**asked, "document_ids": [ids["document_id"]]})
        assert answer.status_code == 200, answer.text
        found.append({k: v for k, v in answer.json().items() if k not in ("request_id", "conversation_id")})
    assert found[0] == found[1]
    assert not found[0].get("passages") and not found[0].get("citations")


@each_lenient_route
def test_a_tenant_id_in_a_lenient_request_is_not_heard(route: Operation, ours: House, theirs: House) -> None:
    before = ours.everything(route), theirs.everything(route)
    answer = call(theirs.admin, route, ours.ids, tenant_id=ours.tenant_id)
    assert answer.status_code == 200, answer.text
    assert ours.document["document_id"] not in answer.text and ours.tenant_id not in answer.text
    assert (ours.everything(route), theirs.everything(route)) == before


@each_strict_route
def test_a_tenant_id_in_a_request_is_refused_and_changes_nothing(
    route: Operation, ours: House, theirs: House, operator: Caller
) -> None:
    before = ours.everything(route), theirs.everything(route)
    caller = operator if route.roles == ("operator",) else ours.admin
    refused = call(caller, route, ours.ids, tenant_id=theirs.tenant_id)
    assert refused.status_code == 400, refused.text
    assert refused.json()["errors"][0]["pointer"] in ("/tenant_id", "/data/tenant_id", "/1/tenant_id")
    if route.method not in ("GET", "DELETE"):
        assert caller.request(route.method, refused.request.url.path + "?tenant_id=a").status_code == 400
    assert (ours.everything(route), theirs.everything(route)) == before


def test_the_tenant_that_a_producers_event_names_is_not_heard(ours: House, theirs: House) -> None:
    content = base64.b64encode(b"# From a producer\n\nWith another tenant's name on it.\n").decode()
    event = {**EVENT, "aegistenant": theirs.tenant_id, "data": {"filename": "a.md", "content_base64": content}}
    before = theirs.admin.get("/documents").json()
    taken = ours.admin.post("/events", json=event, headers={"Content-Type": CLOUD_EVENT})
    assert taken.status_code == 202, taken.text
    assert ours.admin.final(taken.json()["document_id"])["status"] == "ready"
    assert theirs.admin.get("/documents").json() == before


def test_the_inbox_of_another_tenant_answers_like_an_empty_one(server: Running, ours: House, theirs: House) -> None:
    name = f"t/{ours.tenant_id}/inbox/waiting"
    write_blob(server, name, TEXT)
    answers = []
    for blob in (name, f"t/{theirs.tenant_id}/inbox/missing", f"t/{theirs.tenant_id}/inbox/../../../{name}"):
        event = {**EVENT, "data": {"filename": "a.md", "blob_key": blob}}
        answers.append(theirs.admin.post("/events", json=event, headers={"Content-Type": CLOUD_EVENT}))
    assert [answer.status_code for answer in answers] == [404] * 3
    assert comparable(answers[0]) == comparable(answers[1])


def test_a_tenant_in_a_header_is_not_heard(ours: House, theirs: House) -> None:
    plain = ours.admin.get("/documents").json()
    for name in ("X-Tenant-ID", "X-Aegis-Tenant", "aegistenant", "ce-aegistenant", "X-Workspace", "Cookie"):
        assert ours.admin.get("/documents", headers={name: theirs.tenant_id}).json() == plain


def test_the_same_file_of_two_tenants_is_two_documents(ours: House, theirs: House) -> None:
    assert ours.document["document_id"] != theirs.document["document_id"]
    assert ours.document["filename"] != theirs.document["filename"]
    for house in (ours, theirs):
        listed = house.admin.get("/documents").json()["items"]
        assert [one["filename"] for one in listed if one["document_id"] == house.document["document_id"]] == [
            house.document["filename"]
        ]


def test_a_member_changes_only_its_own_documents(server: Running, ours: House) -> None:
    other = ours.admin.create_key(role="member")["api_key"]
    with server.caller(ours.keys["member"]) as owner, server.caller(other) as stranger:
        document = owner.ingest(b"# Mine\n\nWritten by one member.\n")
        path = f"/documents/{document['document_id']}"
        assert stranger.patch(path, json={"title": "stolen"}).status_code == 403
        assert stranger.post(f"{path}/retry", json={}).status_code == 403
        assert stranger.delete(path).status_code == 403
        assert stranger.get(path).json() == document
        assert owner.patch(path, json={"title": "renamed"}).json()["title"] == "renamed"
        assert ours.admin.patch(path, json={"title": "by an admin"}).json()["title"] == "by an admin"
        assert owner.delete(path).status_code == 204
        assert stranger.get(path).status_code == 404


def test_keys_of_one_user_share_what_they_own(server: Running, ours: House) -> None:
    first = ours.admin.create_key(role="member", user_id="usr_one")["api_key"]
    second = ours.admin.create_key(role="member", user_id="usr_one")["api_key"]
    with server.caller(first) as one, server.caller(second) as two:
        document = one.ingest(b"# Shared\n\nOne user, two keys.\n")
        assert two.delete(f"/documents/{document['document_id']}").status_code == 204


def test_deleting_a_document_leaves_the_other_tenants_twin(ours: House, theirs: House) -> None:
    text = b"# Twins\n\nThe same bytes in two tenants.\n"
    one, other = ours.admin.ingest(text), theirs.admin.ingest(text)
    assert ours.admin.delete(f"/documents/{one['document_id']}").status_code == 204
    assert theirs.admin.get(f"/documents/{other['document_id']}").json() == other
    assert [found["document_id"] for found in theirs.admin.search("twins same bytes", limit=1)] == [
        other["document_id"]
    ]


def test_a_list_of_failed_events_is_the_tenants_own(ours: House, theirs: House, operator: Caller) -> None:
    mine = {dead_letter["dead_letter_id"] for dead_letter in ours.admin.get("/failed").json()["items"]}
    others = {dead_letter["dead_letter_id"] for dead_letter in theirs.admin.get("/failed").json()["items"]}
    assert ours.dead_letter_id in mine and theirs.dead_letter_id in others and not mine & others
    assert mine | others <= {dead_letter["dead_letter_id"] for dead_letter in operator.get("/failed").json()["items"]}


def test_a_cursor_of_another_tenants_list_shows_nothing_of_it(ours: House, theirs: House) -> None:
    ours.admin.ingest(b"# One more\n\nSo that there is a second page.\n")
    cursor = ours.admin.get("/documents", params={"limit": 1}).json()["next_cursor"]
    assert cursor
    listed = theirs.admin.get("/documents", params={"cursor": cursor}).json()
    mine = {one["document_id"] for one in ours.admin.get("/documents").json()["items"]}
    assert not mine & {one["document_id"] for one in listed["items"]}


def test_an_idempotency_key_of_another_tenant_repeats_nothing(ours: House, theirs: House) -> None:
    headers = {"Idempotency-Key": "the same for both"}
    made = [house.admin.post("/keys", json={"name": "once"}, headers=headers) for house in (ours, theirs)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert "idempotent-replayed" not in made[1].headers
    assert made[0].json()["api_key"] != made[1].json()["api_key"]


def test_no_answer_to_another_tenant_or_operator_holds_a_key(ours: House, theirs: House, operator: Caller) -> None:
    secret = ours.keys["admin"].rpartition("_")[2]
    for caller, path in ((theirs.admin, "/keys"), (ours.admin, "/keys"), (operator, "/tenants")):
        assert secret not in json.dumps(caller.get(path).raise_for_status().json())


def test_a_model_is_switched_by_its_name_whatever_stands_in_it(operator: Caller) -> None:
    off = operator.put("/budget/models/gpt-oss%3A20b", json={"enabled": False}).json()
    assert (off["model"], off["enabled"], off["reason"]) == ("gpt-oss:20b", False, "operator")
    listed = {one["model"]: one["enabled"] for one in operator.get("/budget/models").json()["models"]}
    assert not listed["gpt-oss:20b"]
    assert operator.put("/budget/models/gpt-oss%3A20b", json={"enabled": True}).json()["enabled"]
    for path in ("org%2Fno-model%3A1b", "org/no-model:1b"):
        assert "has a price" in operator.put(f"/budget/models/{path}", json={"enabled": True}).json()["detail"]
