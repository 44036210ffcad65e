"""Programs that speak the Model Context Protocol search, ask and read the documents of their key's tenant."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.suite.running import Caller, Running

AEGIS = Path(sys.executable).with_name("aegis")
VERSION = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {}}
NOTE = b"# Harbour\n\nThe annual fee of the harbour is 40 euro. Boats are washed on Mondays.\n"


class Reader(NamedTuple):
    caller: Caller
    document_id: str

    def rpc(self, method: str, **params: Any) -> httpx.Response:
        """A request of the current revision."""
        headers = {"MCP-Protocol-Version": VERSION, "Mcp-Method": method}
        if name := params.get("name") or params.get("uri"):
            headers["Mcp-Name"] = name
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
        return self.caller.post("/mcp", json=body, headers=headers)

    def result(self, method: str, **params: Any) -> dict[str, Any]:
        answer = self.rpc(method, **params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["result"]
        assert found["resultType"] == "complete"
        assert found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "aegisrag"
        return found

    def tool(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.result("tools/call", name=tool, arguments=arguments)

    def legacy(self, method: str, **params: Any) -> httpx.Response:
        return self.caller.post("/mcp", json={"jsonrpc": "2.0", "id": "a", "method": method, "params": params})


@pytest.fixture(scope="module")
def reader(server: Running) -> Iterator[Reader]:
    _, caller = server.create_tenant("reads by tools")
    document_id = caller.ingest(NOTE)["document_id"]
    yield Reader(caller, document_id)
    caller.close()


def test_each_tool_gives_what_its_output_schema_says(reader: Reader) -> None:
    tools = reader.result("tools/list")["tools"]
    assert [tool["name"] for tool in tools] == ["search", "ask", "get_document", "list_documents"]
    found = {
        "search": reader.tool("search", query="harbour fee"),
        "ask": reader.tool("ask", question="What is the annual fee of the harbour?"),
        "get_document": reader.tool("get_document", document_id=reader.document_id),
        "list_documents": reader.tool("list_documents"),
    }
    for tool in tools:
        result = found[tool["name"]]
        assert not result["isError"]
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        assert tool["inputSchema"]["type"] == tool["outputSchema"]["type"] == "object"
        assert result["structuredContent"].keys() == tool["outputSchema"]["properties"].keys()
    answer = found["ask"]["structuredContent"]
    assert "40 euro" in answer["answer"] and answer["citations"][0]["document_id"] == reader.document_id
    assert found["search"]["structuredContent"]["passages"][0]["document_id"] == reader.document_id
    assert "Boats are washed" in found["get_document"]["structuredContent"]["text"]


def test_a_long_text_is_read_part_by_part(reader: Reader) -> None:
    parts: list[dict[str, Any]] = [{"next_offset": 0}]
    while (offset := parts[-1]["next_offset"]) is not None:
        answer = reader.tool("get_document", document_id=reader.document_id, offset=offset, limit=30)
        parts.append(answer["structuredContent"])
    text = "".join(part["text"] for part in parts[1:])
    assert text == reader.caller.get(f"/documents/{reader.document_id}/content").text
    assert len(text) == parts[-1]["total_chars"]


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        ("ask", {"question": " "}, "/arguments/question"),
        ("ask", {"question": "Why?", "colour": 1}, "colour"),
        ("search", {"query": "x", "limit": 51}, "/arguments/limit"),
        ("get_document", {"document_id": "doc_none"}, "There is no such document."),
        ("list_documents", {"cursor": "?"}, "cursor"),
    ],
)
def test_a_model_reads_what_was_wrong_with_its_call(
    reader: Reader, tool: str, arguments: dict[str, Any], expected: str
) -> None:
    result = reader.tool(tool, **arguments)
    assert result["isError"] and expected in result["content"][0]["text"]


def test_documents_are_resources(reader: Reader) -> None:
    (resource,) = reader.result("resources/list")["resources"]
    (content,) = reader.result("resources/read", uri=resource["uri"])["contents"]
    assert content["mimeType"] == "text/markdown" and "40 euro" in content["text"]
    (template,) = reader.result("resources/templates/list")["resourceTemplates"]
    assert template["uriTemplate"].replace("{document_id}", reader.document_id) == resource["uri"]
    missing = reader.rpc("resources/read", uri="aegis://documents/doc_none")
    assert missing.status_code == 400 and missing.json()["error"]["code"] == -32602


def test_another_tenant_sees_none_of_it(reader: Reader, tenant: Caller) -> None:
    stranger = Reader(tenant, reader.document_id)
    assert stranger.result("resources/list")["resources"] == []
    assert stranger.tool("list_documents")["structuredContent"]["items"] == []
    assert stranger.tool("get_document", document_id=reader.document_id)["isError"]
    assert not stranger.tool("ask", question="What is the annual fee of the harbour?")["structuredContent"]["answered"]


def test_a_key_without_a_scope_is_not_offered_its_tools(server: Running, reader: Reader) -> None:
    key = reader.caller.create_key(scopes=["read"])
    with server.caller(key["api_key"]) as caller:
        limited = Reader(caller, reader.document_id)
        assert [tool["name"] for tool in limited.result("tools/list")["tools"]] == ["get_document", "list_documents"]
        assert "scope" in limited.tool("ask", question="Why?")["content"][0]["text"]


def test_a_client_of_an_earlier_revision_begins_with_initialize(reader: Reader) -> None:
    for wanted, agreed in (("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"), ("2024-11-05", "2025-11-25")):
        result = reader.legacy("initialize", protocolVersion=wanted, capabilities={}).json()["result"]
        assert result["protocolVersion"] == agreed and result["serverInfo"]["name"] == "aegisrag"
    noted = reader.caller.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (noted.status_code, noted.content) == (202, b"")
    assert reader.legacy("ping").json() == {"jsonrpc": "2.0", "id": "a", "result": {}}
    listed = reader.legacy("tools/list").json()["result"]
    assert "resultType" not in listed and len(listed["tools"]) == 4
    assert reader.legacy("resources/read", uri="aegis://documents/doc_none").json()["error"]["code"] == -32002
    assert reader.legacy("server/discover").json()["error"]["code"] == -32601


def test_what_the_protocol_does_not_know_has_its_status(reader: Reader) -> None:
    assert set(reader.result("server/discover")["supportedVersions"]) >= {VERSION, "2025-11-25"}
    unknown = reader.rpc("tools/fly")
    assert unknown.status_code == 404 and unknown.json()["error"]["code"] == -32601
    assert reader.rpc("tools/call", name="fly").status_code == 400
    bare = reader.caller.post("/mcp", content=b"{", headers={"Content-Type": "application/json"})
    assert bare.status_code == 400 and bare.json()["id"] is None and bare.json()["error"]["code"] == -32700
    assert reader.caller.get("/mcp").status_code == reader.caller.delete("/mcp").status_code == 405
    foreign = reader.caller.post("/mcp", json={}, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403


def test_a_subscription_is_acknowledged_as_empty_and_ends(reader: Reader) -> None:
    answer = reader.rpc("subscriptions/listen", notifications={"toolsListChanged": True})
    messages = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert messages[0]["method"] == "notifications/subscriptions/acknowledged"
    assert messages[0]["params"]["notifications"] == {}
    assert messages[1]["id"] == 1 and messages[1]["result"]["resultType"] == "complete"


def test_the_command_answers_on_its_output_line_by_line(server: Running, reader: Reader) -> None:
    def line(request_id: Any, method: str, **params: Any) -> str:
        return json.dumps({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})

    call = {"name": "ask", "arguments": {"question": "What is the annual fee of the harbour?"}}
    lines = [
        "no message",
        "[1]",
        line(1, "ping"),
        line("1", "tools/call", **call),
        line(2, "tools/call", **call, _meta=META),
        json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}}),
        line(3, "subscriptions/listen", notifications={}, _meta=META),
    ]
    key = reader.caller.headers["Authorization"].removeprefix("Bearer ")
    environ = {**os.environ, "AEGIS_URL": server.url, "AEGIS_API_KEY": key}
    ran = subprocess.run([AEGIS, "mcp"], input="\n".join(lines).encode(), capture_output=True, env=environ, timeout=120)
    answers = [json.loads(answer) for answer in ran.stdout.splitlines()]
    assert ran.returncode == 0
    assert sorted(answer["error"]["code"] for answer in answers if "error" in answer) == [-32700, -32600]
    results = {json.dumps(answer["id"]): answer["result"] for answer in answers if "result" in answer}
    assert results.keys() == {"1", '"1"', "2", "3"}
    assert "40 euro" in results['"1"']["structuredContent"]["answer"]
    assert results["2"]["resultType"] == "complete"
