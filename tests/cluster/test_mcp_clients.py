"""The official client, in each of its modes, and the protocol's own conformance suite work with the suite."""

import http.client
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.suite.running import Running

mcp_client = pytest.importorskip("mcp.client.client", reason="needs mcp")

ENVIRONMENT = Path(sys.executable).parent
CONFORMANCE = ENVIRONMENT.parent / "node/node_modules/@modelcontextprotocol/conformance/dist/index.js"
NODE = ENVIRONMENT.parent / "node/node_modules/.bin/node"
QUESTION = {"question": "How high is the tide at Molde?"}
WITHOUT_FIXTURES = ("server-initialize", "ping", "tools-list", "resources-list", "dns-rebinding-protection")


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    server = Running(tmp_path_factory.mktemp("mcp") / "data").start()
    with server.caller(server.api_key) as admin:
        admin.ingest(b"# Tides\n\nThe tide at Molde is two metres high.\n")
    yield server
    assert server.stop() == 0


def over_http(suite: Running) -> Any:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    headers = {"Authorization": f"Bearer {suite.api_key}"}
    return streamable_http_client(f"{suite.url}/mcp", http_client=httpx2.AsyncClient(headers=headers, trust_env=False))


def as_a_program(suite: Running) -> Any:
    from mcp.client.stdio import StdioServerParameters

    arguments = ["mcp", "--data", str(suite.data)]
    return StdioServerParameters(command=str(ENVIRONMENT / "aegis"), args=arguments, env=dict(os.environ))


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
@pytest.mark.parametrize("transport", [over_http, as_a_program])
async def test_the_official_client_lists_calls_and_reads(suite: Running, transport: Any, mode: str) -> None:
    async with mcp_client.Client(transport(suite), mode=mode) as client:
        assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == {"search", "ask", "get_document", "list_documents"}
        answer = (await client.call_tool("ask", QUESTION)).structured_content
        assert "two metres" in answer["answer"] and answer["citations"]
        found = (await client.call_tool("search", {"query": "tide"})).structured_content
        listed = (await client.call_tool("list_documents", {})).structured_content
        document_id = listed["items"][0]["document_id"]
        assert found["passages"][0]["document_id"] == document_id
        read = (await client.call_tool("get_document", {"document_id": document_id})).structured_content
        assert "two metres" in read["text"]
        assert (await client.call_tool("ask", {"question": ""})).is_error
        (resource,) = (await client.list_resources()).resources
        (content,) = (await client.read_resource(str(resource.uri))).contents
        assert "two metres" in content.text


@pytest.fixture
def with_key(suite: Running) -> Iterator[str]:
    """The address of a proxy that adds the key: the conformance suite sends none."""

    class Adding(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            there = http.client.HTTPConnection(suite.url.removeprefix("http://"), timeout=120)
            there.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                there.putheader(name, value)
            there.putheader("Authorization", f"Bearer {suite.api_key}")
            there.endheaders(body)
            answer = there.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            there.close()

        do_GET = do_POST = do_DELETE = pass_on  # noqa: N815 - the library's names

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Adding) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        yield f"http://localhost:{proxy.server_port}/mcp"
        proxy.shutdown()


@pytest.mark.parametrize("scenario", WITHOUT_FIXTURES)
def test_the_conformance_suite_passes(with_key: str, scenario: str) -> None:
    if not (CONFORMANCE.exists() and NODE.exists()):
        pytest.skip("needs the npm packages node@22 and @modelcontextprotocol/conformance in .venv/node")
    ran = subprocess.run(
        [NODE, CONFORMANCE, "server", "--url", with_key, "--scenario", scenario],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0 and ", 0 failed, 0 warnings" in ran.stdout, ran.stdout[-3000:] + ran.stderr[-1000:]
