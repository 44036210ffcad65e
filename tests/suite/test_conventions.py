"""What holds of every answer, whatever was asked: headers, problems, repetition, pages, times, the description."""

import asyncio
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import pytest

from shared.redis.connection import over_socket
from shared.table.table import load
from shared.types.errors import PROBLEMS, Problem
from tests.stores import ANSWER_LIMIT_S
from tests.suite.running import Caller, Running
from tests.timing import within

OUR_ID = re.compile(r"req_[0-9a-f]{24}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_COUNT = iter(range(10_000))


def some_text() -> bytes:
    """A small document that no other test uploads."""
    return f"# Note {next(_COUNT)}\n\nWritten at {time.time_ns()} for one test only.\n".encode()


@pytest.fixture(scope="module")
def document(admin: Caller) -> dict[str, Any]:
    return admin.ingest(some_text())


Call = Callable[[Caller, Caller, str, dict[str, str]], httpx.Response]
CALLS: dict[str, tuple[int, Call]] = {
    "200": (200, lambda admin, nobody, doc, h: admin.get("/documents", headers=h)),
    "health": (200, lambda admin, nobody, doc, h: nobody.get("/health", headers=h)),
    "ready": (200, lambda admin, nobody, doc, h: nobody.get("/health/ready", headers=h)),
    "metrics": (200, lambda admin, nobody, doc, h: nobody.get("/metrics", headers=h)),
    "public": (200, lambda admin, nobody, doc, h: nobody.get("/formats", headers=h)),
    "page": (200, lambda admin, nobody, doc, h: nobody.get("/problems/not-found", headers=h)),
    "stream": (200, lambda admin, nobody, doc, h: admin.get(f"/documents/{doc}/events", headers=h)),
    "bytes": (200, lambda admin, nobody, doc, h: admin.get(f"/documents/{doc}/original", headers=h)),
    "201": (201, lambda admin, nobody, doc, h: admin.post("/keys", json={"name": "k"}, headers=h)),
    "204": (204, lambda admin, nobody, doc, h: admin.delete(f"/keys/{admin.create_key()['key_id']}", headers=h)),
    "400": (400, lambda admin, nobody, doc, h: admin.get("/documents?limit=0", headers=h)),
    "401": (401, lambda admin, nobody, doc, h: nobody.get("/documents", headers=h)),
    "403": (403, lambda admin, nobody, doc, h: admin.get("/tenants", headers=h)),
    "404 of an id": (404, lambda admin, nobody, doc, h: admin.get("/documents/doc_0", headers=h)),
    "404 of a path": (404, lambda admin, nobody, doc, h: nobody.get("/nothing", headers=h)),
    "405": (405, lambda admin, nobody, doc, h: nobody.put("/documents", headers=h)),
    "413": (413, lambda admin, nobody, doc, h: admin.post("/search", content=b"x" * (2 << 20), headers=h)),
    "415": (415, lambda admin, nobody, doc, h: admin.post("/search", content=b"x", headers=h)),
    "422": (422, lambda admin, nobody, doc, h: admin.post("/upload", files={"file": ("a.md", b"")}, headers=h)),
}
each_call = pytest.mark.parametrize(("status", "call"), list(CALLS.values()), ids=list(CALLS))


@each_call
def test_every_answer_carries_the_headers(
    status: int, call: Call, admin: Caller, nobody: Caller, document: dict[str, Any]
) -> None:
    begin = time.time()
    answer = call(admin, nobody, document["document_id"], {})
    assert answer.status_code == status, answer.text
    assert OUR_ID.fullmatch(answer.headers["x-request-id"])
    assert answer.headers["aegis-version"] == "1"
    assert answer.headers.get("content-type", "").count("charset") <= 1
    limit = answer.headers["x-ratelimit-limit"]
    if limit == "unlimited":
        assert "x-ratelimit-remaining" not in answer.headers and "x-ratelimit-reset" not in answer.headers
    else:
        assert 0 <= int(answer.headers["x-ratelimit-remaining"]) < int(limit)
        assert begin < int(answer.headers["x-ratelimit-reset"]) <= time.time() + 61


@each_call
def test_every_answer_echoes_the_clients_request_id(
    status: int, call: Call, admin: Caller, nobody: Caller, document: dict[str, Any]
) -> None:
    answer = call(admin, nobody, document["document_id"], {"X-Request-ID": "a-label_of.theirs-1"})
    assert answer.headers.get_list("x-request-id") == ["a-label_of.theirs-1"]
    if status >= 400:
        assert OUR_ID.fullmatch(answer.json()["request_id"])


@pytest.mark.parametrize("label", ["short", "a" * 129, "with a space", "umläut-12", 'quote"quote', ""])
def test_a_request_id_of_another_shape_is_replaced(label: str, admin: Caller) -> None:
    request_id = admin.get("/documents", headers=[(b"X-Request-ID", label.encode())]).headers["x-request-id"]
    assert OUR_ID.fullmatch(request_id)


def test_the_clients_request_id_is_logged_beside_ours(admin: Caller, server: Running) -> None:
    admin.get("/documents", headers={"X-Request-ID": "their-label-for-the-log"})
    wait_until(lambda: '"client_request_id":"their-label-for-the-log"' in server.log)


def test_a_trace_is_continued(admin: Caller, server: Running) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    admin.get("/documents", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    wait_until(lambda: f'"trace_id":"{trace}"' in server.log)


@each_call
def test_every_error_is_a_problem(
    status: int, call: Call, admin: Caller, nobody: Caller, document: dict[str, Any]
) -> None:
    answer = call(admin, nobody, document["document_id"], {})
    if status < 400:
        assert answer.headers.get("content-type", "") != "application/problem+json"
        return
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) - {"errors"} == {"type", "title", "status", "detail", "instance", "request_id"}
    assert body["status"] == status
    assert body["instance"] == answer.request.url.path
    assert all(set(error) == {"pointer", "detail"} for error in body.get("errors", []))
    assert nobody.get(body["type"]).status_code == 200
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.slug)
def test_every_problem_has_a_page_that_says_what_to_do(problem: type[Problem], nobody: Caller) -> None:
    page = nobody.get(f"/problems/{problem.slug}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "What to do" in page.text and f"Status {problem.status}" in page.text
    assert not re.search(r"(src|href)=", page.text)


def test_a_problem_that_does_not_exist_has_no_page(nobody: Caller) -> None:
    answer = nobody.get("/problems/<script>alert(1)</script>")
    assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json"


_T = TypeVar("_T")


def in_one_minute(work: Callable[[], _T]) -> _T:
    """Limits count by the minute: where the next one begins meanwhile, the work, for a new caller, is done again."""
    while True:
        minute = time.time() // 60
        result = work()
        if time.time() // 60 == minute:
            return result


def test_the_eleventh_request_of_a_free_tenant_is_told_when_to_come_again(server: Running, operator: Caller) -> None:
    def eleven() -> tuple[str, Caller, list[httpx.Response]]:
        tenant_id, caller = server.create_tenant("free", "free")
        return tenant_id, caller, [caller.post("/search", json={"query": "a"}) for _ in range(11)]

    begin = time.time()
    tenant_id, caller, answers = in_one_minute(eleven)
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == [str(n) for n in range(9, -1, -1)] + ["0"]
    refused = answers[-1]
    assert refused.json()["type"] == "/problems/rate-limited"
    assert refused.headers["x-ratelimit-limit"] == "10"
    wait = int(refused.headers["retry-after"])
    assert 0 < wait <= 60
    assert begin - 2 < int(refused.headers["x-ratelimit-reset"]) - wait < time.time() + 2
    reading = caller.get("/documents")
    assert (reading.status_code, reading.headers["x-ratelimit-limit"]) == (200, "100")
    assert operator.patch(f"/tenants/{tenant_id}", json={"tier": "enterprise"}).status_code == 200
    assert caller.post("/search", json={"query": "a"}).status_code == 200
    caller.close()


def test_all_keys_of_a_tenant_share_one_limit(server: Running) -> None:
    def ten() -> list[int]:
        _, first = server.create_tenant("free", "free")
        with first, server.caller(first.create_key()["api_key"]) as second:
            both = (first, second) * 5
            return [caller.post("/search", json={"query": "a"}).status_code for caller in both]

    assert in_one_minute(ten) == [200] * 9 + [429]


def test_public_routes_count_per_address(nobody: Caller) -> None:
    addresses = (f"192.0.2.{number}" for number in range(1, 70))

    def sixty_one() -> tuple[dict[str, str], list[httpx.Response]]:
        here = {"X-Forwarded-For": next(addresses)}
        return here, [nobody.get("/formats", headers=here) for _ in range(61)]

    here, answers = in_one_minute(sixty_one)
    elsewhere = {"X-Forwarded-For": next(addresses)}
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert nobody.get("/formats", headers=elsewhere).status_code == 200
    assert nobody.get("/problems/rate-limited", headers=here).status_code == 200


def test_an_address_that_tries_keys_is_limited_and_a_good_key_from_it_is_not(nobody: Caller, server: Running) -> None:
    here = {"X-Forwarded-For": "192.0.2.77"}
    answers = [
        nobody.get("/documents", headers={**here, "Authorization": f"Bearer wrong-key-number-{number:05}"})
        for number in range(300)
    ]
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {401, 429} and statuses[:100] == [401] * 100
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status_code == 429)
    with server.caller(server.api_key) as good:
        assert good.get("/documents", headers=here).status_code == 200


@contextmanager
def frozen(server: Running) -> Iterator[None]:
    """The server's Valkey stands still."""
    pid = next(
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if (text := read(stat)) and "(valkey-server)" in text and text.rpartition(")")[2].split()[1] == str(server.pid)
    )
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def test_a_store_that_does_not_answer_is_a_503_that_says_when_to_come_again(server: Running, nobody: Caller) -> None:
    with server.caller(server.api_key, comes_again=False) as admin, frozen(server):
        with within(2, server.pid):
            answer = admin.get("/documents", headers={"X-Request-ID": "label-503"})
        assert answer.status_code == 503
        assert answer.json()["type"] == "/problems/store-unavailable"
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["x-request-id"] == "label-503"
        assert answer.headers["aegis-version"] == "1" and "x-ratelimit-limit" in answer.headers
        assert nobody.get("/health").status_code == 200
        unready = nobody.get("/health/ready")
        assert (unready.status_code, unready.json()["status"]) == (503, "unready")
        assert int(unready.headers["retry-after"]) > 0
        assert nobody.get("/problems/store-unavailable").status_code == 200
    with server.caller(server.api_key) as admin:
        assert admin.get("/documents").status_code == 200


# Repetition


def once(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def test_the_same_call_under_the_same_key_is_done_once(tenant: Caller) -> None:
    first = tenant.post("/keys", json={"name": "one"}, headers=once("make a key"))
    again = tenant.post("/keys", json={"name": "one"}, headers=once("make a key"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["content-type"] == first.headers["content-type"]
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert [key["name"] for key in tenant.get("/keys").json()["items"]].count("one") == 1


def test_another_body_under_the_same_key_is_refused(tenant: Caller, server: Running) -> None:
    tenant.post("/keys", json={"name": "one"}, headers=once("k1"))
    other = tenant.post("/keys", json={"name": "two"}, headers=once("k1"))
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-mismatch")
    assert tenant.post("/upload", files={"file": ("a.md", some_text())}, headers=once("k2")).status_code == 202
    other = tenant.post("/upload", files={"file": ("a.md", some_text())}, headers=once("k2"))
    assert other.status_code == 422
    assert len(tenant.get("/documents").json()["items"]) == 1
    assert list((server.data / "spool").glob("*")) == []


def test_the_same_key_on_another_route_is_another_call(tenant: Caller) -> None:
    assert tenant.post("/keys", json={"name": "one"}, headers=once("k")).status_code == 201
    assert tenant.post("/search", json={"query": "one"}, headers=once("k")).status_code == 200


def test_an_upload_under_the_same_key_is_answered_as_the_first_time(tenant: Caller) -> None:
    text = some_text()
    first = tenant.post("/upload", files={"file": ("a.md", text)}, headers=once("u"))
    tenant.final(first.json()["document_id"])
    again = tenant.post("/upload", files={"file": ("a.md", text)}, headers=once("u"))
    assert (again.status_code, again.content) == (202, first.content)


def test_a_refusal_under_the_same_key_is_repeated_or_tried_again(tenant: Caller) -> None:
    for _ in range(2):
        assert tenant.post("/search", json={"query": ""}, headers=once("bad")).status_code == 400
    assert tenant.post("/search", json={"query": "good"}, headers=once("bad")).status_code == 200


def test_each_credential_has_its_own_idempotency_keys(tenant: Caller, server: Running) -> None:
    with server.caller(tenant.create_key(role="admin")["api_key"]) as other:
        made = [caller.post("/keys", json={"name": "one"}, headers=once("k")) for caller in (tenant, other)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json()["key_id"] != made[1].json()["key_id"]
    assert "idempotent-replayed" not in made[1].headers


def test_a_call_that_still_runs_is_a_conflict(tenant: Caller, server: Running) -> None:
    text = some_text()
    known = tenant.ingest(text)["document_id"]
    tenant_id = tenant_of(server, known)
    lease = f"lease:document:{tenant_id}:{known}"

    def upload() -> httpx.Response:
        return tenant.post("/upload", files={"file": ("a.md", text)}, headers=once("slow"))

    redis(server, "SET", lease, "a test", "PX", 8000)  # a repeated upload waits for it
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(upload)
        wait_until(lambda: bool(redis(server, "KEYS", f"idempotency:*{tenant_key_id(tenant)}*/upload*")))
        second = upload()
        redis(server, "DEL", lease)
        assert first.result().status_code == 200
    assert (second.status_code, second.json()["type"]) == (409, "/problems/conflict")
    assert upload().headers["idempotent-replayed"] == "true"
    assert list((server.data / "spool").glob("*")) == []


def redis(server: Running, *command: str | int) -> Any:
    async def ask() -> Any:
        redis = over_socket(server.data / "counters" / "valkey.sock", answer_s=ANSWER_LIMIT_S)
        try:
            return await redis.call(*command)
        finally:
            await redis.close()

    return asyncio.run(ask())


def tenant_of(server: Running, document_id: str) -> str:
    return str(redis(server, "KEYS", f"catalogue:*:{document_id}")[0]).split(":")[1]


def tenant_key_id(caller: Caller) -> str:
    assert caller.key
    return "key_" + caller.key.split("_")[1]


def wait_until(is_so: Callable[[], bool], within_s: float = 60) -> None:
    until = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


# Pages


def pages(caller: Caller, path: str, between: Callable[[], object]) -> list[list[dict[str, Any]]]:
    """Follows the links, two items at a time."""
    found = []
    link: str | None = f"{path}?limit=2"
    while link:
        answer = caller.get(link).raise_for_status()
        body = answer.json()
        found.append(body["items"])
        named = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("link", ""))
        assert (body["next_cursor"] is None) == (named is None)
        assert named is None or (f"cursor={body['next_cursor']}" in named[1] and "limit=2" in named[1])
        link = named[1] if named else None
        between()
    return found


@pytest.mark.parametrize("path", ["/documents", "/keys"])
def test_a_list_is_newest_first_and_stable_while_more_comes(path: str, tenant: Caller) -> None:
    def add() -> str:
        if path == "/keys":
            return str(tenant.create_key()["key_id"])
        return str(tenant.upload(some_text()).json()["document_id"])

    name = {"/documents": "document_id", "/keys": "key_id"}[path]
    before = [item[name] for item in tenant.get(path).json()["items"]]
    added = [add() for _ in range(4)]
    found = pages(tenant, path, between=add)
    seen = [item[name] for page in found for item in page]
    assert seen == [*reversed(added), *before]
    assert all(len(page) <= 2 for page in found)


def test_a_list_stays_whole_when_what_was_seen_is_deleted(tenant: Caller) -> None:
    ids = [tenant.upload(some_text()).json()["document_id"] for _ in range(4)]
    first = tenant.get("/documents?limit=2").json()
    for item in first["items"]:
        assert tenant.delete(f"/documents/{item['document_id']}").status_code in (202, 204)
    rest = tenant.get("/documents", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["document_id"] for item in rest["items"]] == [ids[1], ids[0]]
    assert rest["next_cursor"] is None


def test_an_empty_list_is_a_list(tenant: Caller) -> None:
    assert tenant.get("/documents").json() == {"items": [], "next_cursor": None}


def test_every_time_is_utc_and_every_amount_exact(
    admin: Caller, operator: Caller, document: dict[str, Any], tenant: Caller
) -> None:
    with_end = tenant.create_key(expires_at="2101-01-01T02:00:00+02:00")
    assert with_end["expires_at"] == "2101-01-01T00:00:00Z"
    times, amounts = [], []
    for body in (
        document,
        with_end,
        admin.get("/documents").json(),
        tenant.get("/keys").json(),
        operator.get("/tenants").json(),
    ):
        for name, value in leaves(body):
            if name.endswith("_at") and value is not None:
                times.append(value)
            if name.endswith("_usd"):
                amounts.append(value)
    assert len(times) > 10 and amounts
    assert [value for value in times if not TIME.fullmatch(value)] == []
    assert [value for value in amounts if round(value, 6) != value] == []


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    else:
        yield name, value


# Documents


def test_a_document_has_every_field_of_the_contract(document: dict[str, Any]) -> None:
    assert set(document) == set(
        re.findall(
            r"\w+",
            "document_id title filename media_type bytes classification route status reason waiting_for created_at "
            "updated_at pages passages entities cost_usd stages text_share hidden_words parser",
        )
    )
    assert all(
        set(stage) == {"stage", "status", "attempts", "started_at", "finished_at", "seconds", "cost_usd", "reason"}
        for stage in document["stages"]
    )
    assert document["classification"] == "internal"


def test_a_repeat_of_a_ready_document_is_known(tenant: Caller) -> None:
    text = some_text()
    first = tenant.upload(text, title="The first title")
    assert first.status_code == 202
    assert set(first.json()) >= {"document_id", "status", "route", "status_url"}
    ready = tenant.get(first.json()["status_url"]).json() and tenant.final(first.json()["document_id"])
    again = tenant.upload(text, "another-name.txt", title="Another title")
    assert again.status_code == 200
    assert again.json() == {**first.json(), "status": "ready"}
    assert again.json()["title"] == "The first title"
    assert tenant.get(f"/documents/{ready['document_id']}").json() == ready


def test_a_repeat_raises_the_class_and_never_lowers_it(tenant: Caller) -> None:
    text = some_text()
    document_id = tenant.ingest(text, classification="public")["document_id"]
    classes = []
    for sent in ("public", "internal", None, "public", "confidential", "internal"):
        tenant.upload(text, **({"classification": sent} if sent else {}))
        classes.append(tenant.get(f"/documents/{document_id}").json()["classification"])
    assert classes == ["public", "internal", "internal", "internal", "confidential", "confidential"]


def test_a_documents_first_uploader_stays_its_owner(tenant: Caller, server: Running) -> None:
    text = some_text()
    one, two = (server.caller(tenant.create_key(role="member")["api_key"]) for _ in range(2))
    with one, two:
        path = f"/documents/{one.ingest(text)['document_id']}"
        assert two.upload(text).status_code == 200
        assert two.patch(path, json={"title": "mine"}).status_code == 403
        assert two.delete(path).status_code == 403
        assert one.delete(path).status_code == 204


def test_eight_uploads_of_the_same_bytes_at_once_are_one_document(tenant: Caller) -> None:
    text = some_text()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: tenant.upload(text, f"race-{number}.md"), range(8)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert len({answer.json()["document_id"] for answer in answers}) == 1
    document = tenant.final(answers[0].json()["document_id"])
    assert document["status"] == "ready"
    assert [one["document_id"] for one in tenant.get("/documents").json()["items"]] == [document["document_id"]]
    assert len(tenant.search("written for one test only", limit=50)) == document["passages"] == 1


def test_bytes_of_a_rejected_document_try_again(tenant: Caller) -> None:
    deep = b"[" * 400 + b"]" * 400
    rejected = tenant.ingest(deep, "deep.json")
    assert (rejected["status"], rejected["reason"]["code"]) == ("rejected", "too-deep")
    again = tenant.upload(deep, "deep.json")
    assert again.status_code == 202
    assert tenant.final(rejected["document_id"])["stages"][0]["attempts"] == 2


def test_bytes_of_a_deleted_document_start_afresh(tenant: Caller) -> None:
    text = some_text()
    first = tenant.ingest(text, title="Old", classification="confidential")
    assert tenant.delete(f"/documents/{first['document_id']}").status_code == 204
    assert tenant.get(f"/documents/{first['document_id']}").status_code == 404
    assert tenant.search("written for one test only") == []
    second = tenant.ingest(text)
    assert second["document_id"] == first["document_id"]
    assert (second["status"], second["classification"]) == ("ready", "internal")
    assert second["title"] != "Old" and second["created_at"] > first["created_at"]
    assert len(tenant.search("written for one test only")) == 1


def test_a_document_comes_back_as_it_was_uploaded(tenant: Caller) -> None:
    text = "# Umlauts\n\nGrüße aus Köln.\r\n".encode()
    document = tenant.ingest(text, 'Grüße "aus" Köln.md')
    original = tenant.get(f"/documents/{document['document_id']}/original")
    assert original.content == text
    assert original.headers["content-length"] == str(len(text)) == str(document["bytes"])
    assert original.headers["content-disposition"].startswith("attachment")
    assert original.headers["x-content-type-options"] == "nosniff"
    content = tenant.get(f"/documents/{document['document_id']}/content")
    assert content.headers["content-type"].startswith("text/markdown")
    assert "Grüße aus Köln." in content.text


def test_a_watch_goes_on_where_it_was_cut_off(tenant: Caller) -> None:
    document_id = tenant.ingest(some_text())["document_id"]
    whole = tenant.get(f"/documents/{document_id}/events").text.strip().split("\n\n")
    assert [event.partition("event: ")[2].split("\n")[0] for event in whole] == ["stage"] * len(
        load().stages("cpu")
    ) + ["done"]
    last_seen = whole[1].split("\n")[0].removeprefix("id: ")
    rest = tenant.get(f"/documents/{document_id}/events", headers={"Last-Event-ID": last_seen}).text.strip()
    assert rest.split("\n\n") == whole[2:]


# The description


@pytest.fixture(scope="module")
def described(nobody: Caller) -> Any:
    return nobody.get("/openapi.json").raise_for_status().json()


def test_the_description_has_every_route(described: Any) -> None:
    assert described["openapi"].startswith("3.1.")
    routes = {f"{method.upper()} {path}" for path, methods in described["paths"].items() for method in methods}
    assert routes == {op.on for _, op in load().routes()} | {"GET /health", "GET /health/ready"}


def test_every_reference_of_the_description_resolves(described: Any) -> None:
    references = [value for name, value in leaves(described) if name == "$ref"]
    assert len(references) > 50
    for reference in references:
        place: Any = described
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_route_describes_its_parameters_answers_and_errors(described: Any) -> None:
    seen = set()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            in_path = set(re.findall(r"{(\w+)}", path))
            given = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path" and one["required"]}
            assert given == in_path, path
            statuses = set(operation["responses"])
            assert statuses & {"200", "201", "202", "204"}, path
            assert all(answer["description"] for answer in operation["responses"].values()), path
            if path.startswith("/health"):
                continue
            assert operation["summary"] and operation["operationId"] not in seen
            seen.add(operation["operationId"])
            assert statuses >= {"400", "429", "500", "503"}, path
            assert operation.get("security") == [] or statuses >= {"401", "403"}, path
            assert not in_path or "404" in statuses, path
            assert method not in ("post", "patch") or statuses >= {"413", "415"}, path
            errors = "application/json" if path.startswith("/v1/") else "application/problem+json"
            for status in statuses & {str(problem.status) for problem in PROBLEMS}:
                found = set(operation["responses"][status]["content"])
                assert found == {errors} or (path == "/mcp" and "application/json" in found), (path, status)


def test_every_answer_of_these_tests_is_described(described: Any, admin: Caller, document: dict[str, Any]) -> None:
    """The fields of what comes are the fields of what is described."""
    for path, answer in {
        "/documents": admin.get("/documents"),
        "/documents/{document_id}": admin.get(f"/documents/{document['document_id']}"),
        "/keys": admin.get("/keys"),
        "/formats": admin.get("/formats"),
        "/health": admin.get("/health"),
        "/health/ready": admin.get("/health/ready"),
    }.items():
        schema = described["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        named = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert set(answer.json()) == set(named["properties"]), path


HEADS = (
    "/health",
    "/health/ready",
    "/formats",
    "/documents",
    "/documents/{}",
    "/documents/{}/original",
    "/documents/{}/content",
    "/documents/doc_0",
    "/nothing",
    "/v1/models",
    "/openapi.json",
    "/upload",
)
_VARYING = {"date", "x-request-id", "x-ratelimit-remaining", "x-ratelimit-reset"}


@pytest.mark.parametrize("path", HEADS)
def test_head_is_answered_as_get_without_a_body(path: str, admin: Caller, document: dict[str, Any]) -> None:
    path = path.format(document["document_id"])
    head, get = admin.head(path), admin.get(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    assert {name for name in head.headers if name not in _VARYING} == {n for n in get.headers if n not in _VARYING}
    assert admin.get("/health").status_code == 200, "the connection goes on"


def test_head_of_a_stream_ends_at_once(admin: Caller) -> None:
    document_id = admin.upload(some_text()).json()["document_id"]
    answer = admin.head(f"/documents/{document_id}/events")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


NO_HTTP = (b"FOO /documents HTTP/1.1\r\nHost: a\r\n\r\n", b"hello\r\n\r\n", b"\x16\x03\x01\x02\x00\x01")


@pytest.mark.parametrize("sent", NO_HTTP)
def test_bytes_that_are_no_http_are_answered_as_every_request_is(sent: bytes, server: Running) -> None:
    place = urlsplit(server.url)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(sent)
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json" in head
    problem = json.loads(body)
    assert problem["type"] == "/problems/invalid-request"
    assert f"x-request-id: {problem['request_id']}".encode() in head
