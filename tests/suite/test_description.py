"""Each route is asked for the errors that it declares; each answer is one that the description has."""

from collections.abc import Callable
from typing import Any
from zlib import crc32

import httpx
import pytest

from shared.table.table import Function, Operation, load
from shared.types.errors import NotFound
from tests.suite.running import Caller, Running
from tests.suite.test_tenants import CASES, LENIENT, MISSING, call

TABLE = load()
ROUTES = [pytest.param(function, op, id=op.on) for function, op in TABLE.routes()]
GUARDED = [pytest.param(function, op, id=op.on) for function, op in TABLE.routes() if op.role != "public"]
Ask = Callable[[Caller, Operation], httpx.Response]
BODIES = ("POST", "PUT", "PATCH")
ABSENT = {**MISSING, "slug": "no-such-problem"}


def unknown_field(caller: Caller, row: Operation) -> httpx.Response:
    if row in LENIENT:
        return caller.request(row.method, row.path, content=b"{", headers={"Content-Type": "application/json"})
    return call(caller, row, ABSENT, no_such_field="1")


def text_as_body(caller: Caller, row: Operation) -> httpx.Response:
    path = row.path.format(**ABSENT)
    return caller.request(row.method, path, content=b"words", headers={"Content-Type": "text/plain"})


def too_large(caller: Caller, row: Operation) -> httpx.Response:
    path = row.path.format(**ABSENT)
    content_type = CASES[row.on].media_type
    return caller.request(row.method, path, content=b" " * (1_100_000), headers={"Content-Type": content_type})


def provoked(function: Function, row: Operation) -> dict[int, Ask]:
    """A call for each status that takes nothing but a call."""
    found: dict[int, Ask] = {}
    if row.method in BODIES and not CASES[row.on].form and row.on != "POST /events":
        found[415] = text_as_body
        if not row.path.startswith(("/v1/", "/graph/")):  # these take pictures, or whole graphs, in their bodies
            found[413] = too_large
    if not row.path.startswith("/v1/models"):
        found[400] = unknown_field
    if NotFound in function.errors(row) and "{" in row.path:
        found[404] = lambda caller, row: call(caller, row, ABSENT)
    return found


@pytest.fixture(scope="module")
def described(nobody: Caller) -> Any:
    return nobody.get("/openapi.json").raise_for_status().json()


def check(answer: httpx.Response, row: Operation, described: Any) -> None:
    """The answer's status, media type and headers of ours are among those described."""
    responses = described["paths"][row.path][row.method.lower()]["responses"]
    assert str(answer.status_code) in responses, f"{row.on} answers {answer.status_code}: {answer.text[:300]}"
    found = responses[str(answer.status_code)]
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    assert answer.status_code == 204 or media_type in found["content"], f"{row.on} answers {media_type}"
    ours = {name.lower() for name in described["components"]["headers"]}
    stated = {name.lower() for name in found["headers"]}
    assert {name for name in answer.headers if name.lower() in ours} <= stated


@pytest.mark.parametrize(("function", "row"), ROUTES)
def test_a_route_gives_each_error_that_it_declares_as_it_is_described(
    function: Function, row: Operation, admin: Caller, operator: Caller, described: Any
) -> None:
    caller = operator if row.roles == ("operator",) else admin
    for status, ask in provoked(function, row).items():
        # Public routes are limited by address.
        caller.headers["X-Forwarded-For"] = f"2001:db8:99::{crc32(row.on.encode()) & 0xFFFF:x}"
        answer = ask(caller, row)
        del caller.headers["X-Forwarded-For"]
        assert answer.status_code == status, f"{row.on}: {answer.text[:300]}"
        check(answer, row, described)


@pytest.mark.parametrize(("function", "row"), GUARDED)
def test_a_route_refuses_who_may_not_call_it_as_it_is_described(
    function: Function,
    row: Operation,
    server: Running,
    admin: Caller,
    nobody: Caller,
    operator: Caller,
    described: Any,
) -> None:
    refused = call(nobody, row, MISSING)
    assert refused.status_code == 401
    check(refused, row, described)
    with server.caller(admin.create_key(role="reader", scopes=["models"])["api_key"]) as reader:
        forbidden = call(reader, row, MISSING)
    if row.on.startswith("GET /v1/models"):
        return  # lists what the key may name
    if row.path == "/mcp":  # each tool has a scope of its own
        forbidden = call(operator, row, MISSING)
    assert forbidden.status_code == 403, forbidden.text
    check(forbidden, row, described)


@pytest.mark.parametrize("content", [b"", b"MZ\x90\x00 a program", b"\x00\x01\x02"])
def test_an_upload_is_refused_as_it_is_described(content: bytes, admin: Caller, described: Any) -> None:
    row = next(op for _, op in TABLE.routes() if op.on == "POST /upload")
    answer = admin.upload(content, "file.exe" if content else "file.md")
    assert answer.status_code in (415, 422)
    check(answer, row, described)


def test_a_replayed_answer_is_described(admin: Caller, described: Any) -> None:
    row = next(op for _, op in TABLE.routes() if op.on == "POST /keys")
    key = {"Idempotency-Key": "the description's own"}
    for name, status in (("one", 201), ("one", 201), ("two", 422)):
        answer = admin.post("/keys", json={"name": name}, headers=key)
        assert answer.status_code == status
        check(answer, row, described)
