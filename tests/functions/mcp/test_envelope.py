"""The envelope of a message decides which revision of the protocol answers it."""

from typing import Any

import pytest

from functions.mcp.envelope import read_body, read_call
from functions.mcp.messages import RpcError

VERSION = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {}}
HEADERS = {"mcp-protocol-version": VERSION, "mcp-method": "tools/call", "mcp-name": "ask"}
PARAMS = {"name": "ask", "_meta": META}


def message(method: str = "tools/call", **fields: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, **fields}


def code(found: dict[str, Any], headers: dict[str, str]) -> int:
    with pytest.raises(RpcError) as raised:
        read_call(found, headers)
    return raised.value.code


def test_a_request_with_its_version_in_body_and_header_is_served_without_a_session() -> None:
    call = read_call(message(params=PARAMS), HEADERS)
    assert (call.id, call.method, call.is_modern) == (1, "tools/call", True)


@pytest.mark.parametrize(
    "headers", [{}, {"mcp-protocol-version": "2025-11-25"}, {"mcp-protocol-version": "2025-06-18"}]
)
def test_a_request_without_a_version_of_its_own_is_one_of_the_revisions_before(headers: dict[str, str]) -> None:
    assert not read_call(message("tools/list"), headers).is_modern


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**HEADERS, "mcp-method": "tools/list"},
        {**HEADERS, "mcp-name": "search"},
        {**HEADERS, "mcp-name": "=?base64?YXN?="},
        {**HEADERS, "mcp-protocol-version": "2025-11-25"},
        {name: value for name, value in HEADERS.items() if name != "mcp-name"},
    ],
)
def test_headers_that_differ_from_the_body_are_refused(headers: dict[str, str]) -> None:
    assert code(message(params=PARAMS), headers) == -32020


def test_a_name_that_no_header_can_hold_comes_in_base64() -> None:
    headers = {**HEADERS, "mcp-name": "=?base64?w6RiYw==?="}
    assert read_call(message(params={"name": "äbc", "_meta": META}), headers).params["name"] == "äbc"


@pytest.mark.parametrize(
    ("found", "headers", "expected"),
    [
        (message("tools/list"), {"mcp-protocol-version": "1900-01-01"}, -32022),
        (message(params={**PARAMS, "_meta": {**META, "io.modelcontextprotocol/protocolVersion": "9"}}),
         {**HEADERS, "mcp-protocol-version": "9"}, -32022),
        (message(), HEADERS, -32602),
        (message(params={"_meta": {"io.modelcontextprotocol/protocolVersion": VERSION}}), HEADERS, -32602),
        (message(params=[1]), {}, -32602),
        (message(id=None), {}, -32600),
        (message(id=True), {}, -32600),
        (message(id=1.5), {}, -32600),
        (message(jsonrpc="1.0"), {}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, {}, -32600),
    ],
)  # fmt: skip
def test_what_no_revision_allows_is_an_error_with_its_code(
    found: dict[str, Any], headers: dict[str, str], expected: int
) -> None:
    assert code(found, headers) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b"[" * 99 + b"]" * 99, -32700),
        (b"[]", -32600),
        (b"1", -32600),
    ],
)
def test_a_body_that_is_no_message_is_refused(body: bytes, expected: int) -> None:
    with pytest.raises(RpcError) as raised:
        read_body(body)
    assert raised.value.code == expected
