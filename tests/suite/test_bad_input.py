"""Whatever is sent, the answer says what is wrong with it, nothing else happens, and others do not feel it."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from shared.types.paging import write_cursor
from tests.suite.health_probe import HealthProbe
from tests.suite.running import Caller, Running

MIB = 1024 * 1024
BOUNDARY = "a-boundary"


@pytest.fixture(scope="module", autouse=True)
def probe(server: Running) -> Iterator[HealthProbe]:
    probe = HealthProbe(server.url, server.pid)
    yield probe
    probe.end()


@pytest.fixture(scope="module", autouse=True)
def log_before(server: Running) -> int:
    return len(server.log)


def assert_problem(answer: httpx.Response, status: int, slug: str, pointer: str | None = None) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == f"/problems/{slug}", body
    if pointer is not None:
        assert [error["pointer"] for error in body["errors"]] == [pointer], body


def part(content: bytes, disposition: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode() + disposition
    return head + b"\r\n\r\n" + content + b"\r\n"


def file_part(content: bytes, filename: bytes = b"note.md") -> bytes:
    return part(content, b'name="file"; filename="' + filename + b'"')


def field_part(name: str, content: bytes) -> bytes:
    return part(content, f'name="{name}"'.encode())


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def send_form(caller: Caller, body: bytes, content_type: str | None = None) -> httpx.Response:
    kind = content_type or f"multipart/form-data; boundary={BOUNDARY}"
    return caller.post("/upload", content=body, headers={"Content-Type": kind})


def test_an_empty_file_is_refused_at_once(admin: Caller) -> None:
    assert_problem(admin.upload(b""), 422, "empty-file")


@pytest.mark.parametrize("content", [bytes(range(256)) * 8, b"\x7fELF\x02\x01\x01" + bytes(400), b"MZ" + bytes(4096)])
def test_a_binary_in_the_clothes_of_a_text_is_refused_at_once(admin: Caller, content: bytes) -> None:
    assert_problem(admin.upload(content, "letter.md"), 415, "unsupported-format")


@pytest.mark.parametrize(
    "filename",
    [
        b"../../evil-7.md",
        b"/tmp/evil-7.md",
        b"..\\\\..\\\\evil-7.md",
        b"C:\\\\evil-7.md",
        b"evil-7\x00.md",
        b"%2e%2e%2fevil-7.md",
        b"e" * 300 + b"vil-7.md",
        "\u202eevil-7\u2066dm.md".encode(),
        b"",
        b"..",
        b".",
        "évil-7\u0085\u2028.md".encode(),
        b"evil-7.md/",
    ],
)
def test_a_hostile_name_is_only_ever_a_label(admin: Caller, server: Running, filename: bytes) -> None:
    answer = send_form(admin, form(file_part(b"# Named\n\nby " + filename.hex().encode(), filename)))
    assert answer.status_code == 202, answer.text
    stored = admin.get(f"/documents/{answer.json()['document_id']}").json()["filename"]
    assert 0 < len(stored) <= 255
    assert not set(stored) & set("/\\\x00\r\n\u202e\u2066\u2028\u0085")
    assert stored not in (".", "..")
    written = (name for _, folders, files in os.walk(server.data.parent) for name in (*folders, *files))
    assert [name for name in written if "evil-7" in name] == []
    assert not Path("/tmp/evil-7.md").exists()


def test_json_nested_100000_deep_is_refused(admin: Caller) -> None:
    json_type = {"Content-Type": "application/json"}
    for opening, inner, closing in (("[", "", "]"), ('{"query":', "1", "}")):
        body = opening * 100_000 + inner + closing * 100_000
        assert_problem(admin.post("/search", content=body, headers=json_type), 400, "invalid-request")
        assert_problem(admin.post("/search", content=opening * 100_000, headers=json_type), 400, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        b'{"query":"\xed\xa0\x80"}',
        b'{"query":"\xff"}',
        b'\xff\xfe{\x00"\x00',
        b'{"query":"a"',
        b'{"query":NaN}',
        b"{'query':'a'}",
        b'{"query":"a"} {"query":"b"}',
        b"",
        b"[]",
        b"null",
        b'"query"',
        b"\x00",
    ],
)
def test_what_is_no_json_object_is_refused(admin: Caller, body: bytes) -> None:
    answer = admin.post("/search", content=body, headers={"Content-Type": "application/json"})
    assert_problem(answer, 400, "invalid-request")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/json5"])
def test_json_in_the_clothes_of_another_type_is_refused(admin: Caller, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    for path in ("/search", "/ask", "/keys"):
        assert_problem(admin.post(path, content=b'{"query":"a"}', headers=headers), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/json ;a=b"]
)
def test_json_may_name_its_charset(admin: Caller, content_type: str) -> None:
    answer = admin.post("/search", content=b'{"query":"a"}', headers={"Content-Type": content_type})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("path", "fields", "pointer"),
    [
        ("/search", {"query": "a", "surplus": 1}, "/surplus"),
        ("/search", {}, "/query"),
        ("/search", {"query": 1}, "/query"),
        ("/search", {"query": None}, "/query"),
        ("/search", {"query": ""}, "/query"),
        ("/search", {"query": "a" * 8001}, "/query"),
        ("/search", {"query": "a", "limit": "8"}, "/limit"),
        ("/search", {"query": "a", "limit": 0}, "/limit"),
        ("/search", {"query": "a", "limit": 51}, "/limit"),
        ("/search", {"query": "a", "limit": True}, "/limit"),
        ("/search", {"query": "a", "limit": 1.5}, "/limit"),
        ("/search", {"query": "a", "mode": "psychic"}, "/mode"),
        ("/search", {"query": "a", "document_ids": "doc_1"}, "/document_ids"),
        ("/search", {"query": "a", "document_ids": ["doc_1", 2]}, "/document_ids/1"),
        ("/ask", {"question": "a", "surplus": 1}, "/surplus"),
        ("/ask", {"question": ""}, "/question"),
        ("/ask", {"question": " \n\t\u3000"}, "/question"),
        ("/ask", {"question": "\u200b\u202e\u0000"}, "/question"),
        ("/search", {"query": "   "}, "/query"),
        ("/search", {"query": "\ufeff"}, "/query"),
        ("/search", {"query": "a", "as_of": "2026-02-30"}, "/as_of"),
        ("/ask", {"question": "a", "as_of": "2026-03-01T09:30:00"}, "/as_of"),
        ("/ask", {"question": "a", "as_of": "0001-01-01T00:00:00+12:00"}, "/as_of"),
        ("/ask", {"question": "a", "as_of": ""}, "/as_of"),
        ("/ask", {"question": "a", "stream": "yes"}, "/stream"),
        ("/ask", {"question": "a", "quality": "best"}, "/quality"),
        ("/ask", {"question": "a", "max_cost_usd": -1}, "/max_cost_usd"),
        ("/ask", {"question": "a", "as_of": "yesterday"}, "/as_of"),
        ("/ask", {"question": "a", "classification": "secret"}, "/classification"),
        ("/keys", {"name": "", "role": "member"}, "/name"),
        ("/keys", {"name": "  "}, "/name"),
        ("/keys", {"name": "a", "expires_at": "9999-12-31T23:59:59-12:00"}, "/expires_at"),
        ("/keys", {"name": "a", "expires_at": "0001-01-01T00:00:00+12:00"}, "/expires_at"),
        ("/keys", {"name": "a", "role": "operator"}, "/role"),
        ("/keys", {"name": "a", "scopes": ["read", "everything"]}, "/scopes/1"),
        ("/keys", {"name": "a", "expires_at": "2001-01-01T00:00:00Z"}, "/expires_at"),
        ("/keys", {"name": "a", "expires_at": "2101-01-01T00:00:00"}, "/expires_at"),
        ("/keys", {"name": "a", "tenant_id": "ten_default"}, "/tenant_id"),
    ],
)
def test_a_wrong_field_is_pointed_at(admin: Caller, path: str, fields: dict[str, object], pointer: str) -> None:
    assert_problem(admin.post(path, json=fields), 400, "invalid-request", pointer)


def test_a_wrong_field_of_a_change_is_pointed_at(admin: Caller) -> None:
    document = admin.ingest(b"# To change\n\nA document.\n")
    path = f"/documents/{document['document_id']}"
    for fields, pointer in (
        ({"title": ""}, "/title"),
        ({"title": "a" * 501}, "/title"),
        ({"title": 1}, "/title"),
        ({"classification": "secret"}, "/classification"),
        ({"filename": "other.md"}, "/filename"),
        ({"document_id": "doc_other"}, "/document_id"),
    ):
        assert_problem(admin.patch(path, json=fields), 400, "invalid-request", pointer)
    for fields, pointer in (
        ({"from": "nowhere"}, "/from"),
        ({"from": 1}, "/from"),
        ({"from_stage": "embed"}, "/from_stage"),
    ):
        assert_problem(admin.post(f"{path}/retry", json=fields), 400, "invalid-request", pointer)
    assert admin.get(path).json() == document


@pytest.mark.parametrize("limit", ["0", "101", "abc", "", "-1", "1.5", "9" * 30])
def test_a_wrong_limit_is_pointed_at(admin: Caller, operator: Caller, limit: str) -> None:
    for caller, path in ((admin, "/documents"), (admin, "/keys"), (admin, "/failed"), (operator, "/tenants")):
        assert_problem(caller.get(path, params={"limit": limit}), 400, "invalid-request", "/limit")


def _cursor(microseconds: int) -> str:
    return write_cursor(microseconds, "doc_1")


@pytest.mark.parametrize(
    "cursor",
    ["abc", "é", "%00", "MTIz", "MSAyIDM", "eCB5", "a" * 10_000, "====", "\x00", _cursor(10**17 * 9), _cursor(-1)],
)
def test_a_wrong_cursor_is_pointed_at(admin: Caller, operator: Caller, cursor: str) -> None:
    for caller, path in ((admin, "/documents"), (admin, "/keys"), (admin, "/failed"), (operator, "/tenants")):
        assert_problem(caller.get(path, params={"cursor": cursor}), 400, "invalid-request", "/cursor")
    for path in ("/usage/ledger", "/audit", "/conversations"):
        assert_problem(admin.get(path, params={"cursor": cursor}), 400, "invalid-request", "/cursor")


def test_a_period_at_an_end_of_time_is_pointed_at(admin: Caller) -> None:
    for path in ("/usage", "/usage/ledger", "/usage/export", "/audit", "/audit/report"):
        for period in ({"from": "9999-12-01", "to": "9999-12-31"}, {"to": "0001-01-01T00:00:00Z"}):
            answer = admin.get(path, params={**period, **({"format": "csv"} if path == "/usage/export" else {})})
            assert_problem(answer, 400, "invalid-request", "/to")


@pytest.mark.parametrize("as_of", ["2026-03-01", "2026-03-01T09:30:00Z", "2026-03-01T09:30:00.5+01:00"])
def test_a_question_may_be_asked_as_of_a_date_or_a_time(admin: Caller, as_of: str) -> None:
    assert admin.post("/ask", json={"question": "What is a crane?", "as_of": as_of}).status_code == 200
    assert admin.post("/search", json={"query": "a crane", "as_of": as_of}).status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip"])
def test_a_compressed_body_is_refused(admin: Caller, encoding: str) -> None:
    headers = {"Content-Encoding": encoding}
    assert_problem(admin.post("/search", json={"query": "a"}, headers=headers), 415, "unsupported-media-type")
    upload = admin.post("/upload", files={"file": ("a.md", b"text")}, headers=headers)
    assert_problem(upload, 415, "unsupported-media-type")
    assert admin.post("/v1/embeddings", json={"model": "aegis", "input": "a"}, headers=headers).status_code == 415


def test_an_unknown_query_parameter_is_pointed_at(admin: Caller) -> None:
    for path in ("/documents", "/keys", "/failed", "/formats", "/documents/doc_1"):
        assert_problem(admin.get(path, params={"surplus": "1"}), 400, "invalid-request", "/surplus")
    for path in ("/search", "/ask", "/keys", "/upload"):
        assert_problem(admin.post(path, params={"surplus": "1"}, json={}), 400, "invalid-request", "/surplus")


def test_a_query_parameter_given_twice_is_pointed_at(admin: Caller) -> None:
    assert_problem(admin.get("/documents?limit=1&limit=2"), 400, "invalid-request", "/limit")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"classification": "secret"}, "/classification"),
        ({"max_cost_usd": "-1"}, "/max_cost_usd"),
        ({"max_cost_usd": "free"}, "/max_cost_usd"),
        ({"max_cost_usd": "nan"}, "/max_cost_usd"),
        ({"max_cost_usd": "inf"}, "/max_cost_usd"),
        ({"title": "a" * 501}, "/title"),
        ({"tenant_id": "ten_default"}, "/tenant_id"),
        ({"document_id": "doc_1"}, "/document_id"),
    ],
)
def test_a_wrong_form_field_is_pointed_at(admin: Caller, fields: dict[str, str], pointer: str) -> None:
    assert_problem(admin.upload(b"# Fields\n", **fields), 400, "invalid-request", pointer)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        form(),
        form(field_part("title", b"no file")),
        form(part(b"no filename", b'name="file"')),
        form(file_part(b"one"), file_part(b"two")),
        form(file_part(b"one"), field_part("title", b"a"), field_part("title", b"b")),
        form(file_part(b"one"), field_part("title", b"\xed\xa0\x80")),
        form(file_part(b"one"), part(b"nameless", b'x="y"')),
        form(file_part(b"name in no charset", b"\xff\xfe.md")),
        form(*(field_part(f"f{number}", b"x") for number in range(100)), file_part(b"late")),
        form(file_part(b"cut off"))[:-8],
        form(file_part(b"cut off"))[:60],
        form(file_part(b"other boundary")).replace(BOUNDARY.encode(), b"another-one"),
        b"--"
        + BOUNDARY.encode()
        + b"\r\nContent-Disposition: form-data\r\n\r\nx\r\n--"
        + BOUNDARY.encode()
        + b"--\r\n",
        b"--" + BOUNDARY.encode() + b"\r\n" + b"X: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
def test_a_broken_form_is_refused(admin: Caller, body: bytes) -> None:
    assert_problem(send_form(admin, body), 400, "invalid-request")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary=""']
)
def test_a_form_without_a_boundary_is_refused(admin: Caller, content_type: str) -> None:
    assert_problem(send_form(admin, form(file_part(b"x")), content_type), 400, "invalid-request")


@pytest.mark.parametrize("content_type", ["application/json", "text/markdown", "multipart/mixed; boundary=a-boundary"])
def test_an_upload_that_is_no_form_is_refused(admin: Caller, content_type: str) -> None:
    assert_problem(send_form(admin, form(file_part(b"x")), content_type), 415, "unsupported-media-type")


def test_a_long_form_field_is_too_large(admin: Caller) -> None:
    assert_problem(send_form(admin, form(file_part(b"x"), field_part("title", b"a" * 70_000))), 413, "too-large")


def test_a_long_json_body_is_too_large(admin: Caller) -> None:
    body = json.dumps({"query": "a" * 2 * MIB}).encode()
    headers = {"Content-Type": "application/json"}
    assert_problem(admin.post("/search", content=body, headers=headers), 413, "too-large")
    assert_problem(admin.post("/search", content=iter([body]), headers=headers), 413, "too-large")


def two_hundred_megabytes() -> Iterator[bytes]:
    yield form(file_part(b"")).partition(f"\r\n--{BOUNDARY}--".encode())[0]
    piece = b"All work and no play. \n" * 45_590
    for _ in range(200):
        yield piece


@pytest.mark.parametrize("announced", [True, False], ids=["Content-Length", "chunked"])
def test_an_upload_of_200_megabytes_is_too_large_and_its_sender_hears_it(admin: Caller, announced: bool) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    if announced:
        headers["Content-Length"] = str(sum(map(len, two_hundred_megabytes())))
    answer = admin.post("/upload", content=two_hundred_megabytes(), headers=headers)
    assert_problem(answer, 413, "too-large")


@pytest.mark.parametrize("path", ["/upload", "/search", "/events"])
def test_a_client_that_leaves_in_its_body_is_no_fault_of_ours(admin: Caller, server: Running, path: str) -> None:
    address = urlsplit(server.url)
    types = {"/upload": "multipart/form-data; boundary=a", "/events": "application/cloudevents+json"}
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {admin.key}\r\nContent-Length: 99\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=30) as client:
        client.sendall(f"{head}Content-Type: {types.get(path, 'application/json')}\r\n\r\n--a".encode())
    assert "unforeseen" not in server.log_after_a_call()


def test_html_nested_20000_deep_is_rejected(admin: Caller) -> None:
    page = b"<!doctype html><html><body>" + b"<div>" * 20_000 + b"deep" + b"</div>" * 20_000 + b"</body></html>"
    uploaded = admin.upload(page, "deep.html")
    assert uploaded.status_code == 202
    document = admin.final(uploaded.json()["document_id"])
    assert (document["status"], document["reason"]["code"]) == ("rejected", "too-deep")


@pytest.mark.parametrize("path", ["/", "/nothing", "/v2/documents", "/upload/x", "/%00"])
def test_an_unknown_path_is_not_found(admin: Caller, path: str) -> None:
    assert_problem(admin.get(path), 404, "not-found")


@pytest.mark.parametrize(
    "odd",
    [
        "x",
        "PREFIX_",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "%00",
        "PREFIX_" + "a" * 5000,
        "PREFIX_%C3%A9",
        "PREFIX_*",
        "PREFIX_..%2f..%2faccounts%2ftenant",
        "DOC_1",
        "%ED%A0%80",
    ],
)
def test_an_odd_id_is_an_unknown_one(admin: Caller, operator: Caller, odd: str) -> None:
    document, dead_letter, tenant, key = (odd.replace("PREFIX", prefix) for prefix in ("doc", "dlq", "ten", "key"))
    for suffix in ("", "/content", "/original", "/events"):
        assert_problem(admin.get(f"/documents/{document}{suffix}"), 404, "not-found")
    for caller in (admin, operator):
        assert_problem(caller.get(f"/failed/{dead_letter}"), 404, "not-found")
        assert_problem(caller.delete(f"/failed/{dead_letter}"), 404, "not-found")
    assert_problem(operator.get(f"/tenants/{tenant}"), 404, "not-found")
    assert_problem(operator.delete(f"/tenants/{tenant}"), 404, "not-found")
    assert_problem(admin.delete(f"/keys/{key}"), 404, "not-found")


def test_a_wrong_method_is_told_so(admin: Caller) -> None:
    for method, path, takes in (
        ("PUT", "/upload", {"POST"}),
        ("GET", "/upload", {"POST"}),
        ("DELETE", "/documents", {"GET", "HEAD"}),
        ("DELETE", "/keys", {"GET", "HEAD", "POST"}),
        ("POST", "/formats", {"GET", "HEAD"}),
        ("POST", "/health", {"GET", "HEAD"}),
        ("GET", "/v1/embeddings", {"POST"}),
    ):
        answer = admin.request(method, path)
        assert set(answer.headers["allow"].split(", ")) - {"OPTIONS"} == takes
        options = admin.request("OPTIONS", path)
        assert options.status_code == 204
        assert set(options.headers["allow"].split(", ")) - {"OPTIONS"} == takes
        if not path.startswith("/v1"):
            assert_problem(answer, 405, "method-not-allowed")


@pytest.mark.parametrize("key", ["", "k" * 256, "a\tb"])
def test_a_wrong_idempotency_key_is_refused(admin: Caller, key: str) -> None:
    answer = admin.post("/search", json={"query": "a"}, headers={"Idempotency-Key": key})
    assert_problem(answer, 400, "invalid-request")


def test_nothing_of_a_refused_upload_is_left_behind(server: Running) -> None:
    assert [path.name for path in (server.data / "spool").glob("*")] == []


def test_a_good_upload_becomes_ready_after_all_this(admin: Caller) -> None:
    assert admin.ingest(b"# Good\n\nNothing is wrong with this one.\n")["status"] == "ready"


def test_none_of_this_was_a_fault_of_ours(server: Running, log_before: int) -> None:
    added = server.log_after_a_call()[log_before:]
    assert '"level":"INFO"' in added
    assert [line for line in added.splitlines() if '"level":"ERROR"' in line] == []


def test_health_answered_quickly_meanwhile(probe: HealthProbe) -> None:
    took = probe.end()
    assert len(took) > 50
    assert took[int(len(took) * 0.99)] < 250


@pytest.mark.parametrize("amount", [0.0000001, 1e-9, 1e-20, 0.00000049, 1.0000005])
def test_an_amount_below_a_micro_dollar_is_refused_and_not_taken_as_zero(admin: Caller, amount: float) -> None:
    for answer, pointer in (
        (admin.post("/ask", json={"question": "Who?", "max_cost_usd": amount}), "/max_cost_usd"),
        (admin.upload(b"# A note on amounts", max_cost_usd=str(amount)), "/max_cost_usd"),
        (admin.put("/budget", json={"scope": "tenant", "daily_usd": amount}), "/daily_usd"),
        (admin.put("/budget", json={"scope": "tenant", "monthly_usd": amount}), "/monthly_usd"),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_an_amount_that_a_float_cannot_write_exactly_is_taken(admin: Caller) -> None:
    assert admin.post("/ask", json={"question": "Who?", "max_cost_usd": 0.1 + 0.2}).status_code == 200
