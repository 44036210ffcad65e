"""`aegis mcp`: the suite as a server of the Model Context Protocol on stdin and stdout, for programs that start one.

Each line is a message; it goes to the suite's route `/mcp`, and the answer becomes a line. Answers may come in another
order than their requests.
"""

import asyncio
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from shared.terminal.client import ServerClient, with_server
from shared.terminal.connection import connection_for
from shared.terminal.errors import CommandError
from shared.terminal.options import data_option
from shared.terminal.output import note
from shared.types.mcp_headers import NAMED_BY, VERSION_KEY, encoded

if TYPE_CHECKING:
    import httpx

_AT_ONCE = 32
_LONGEST_LINE = 4 * 1024 * 1024
_PARSE_ERROR, _INVALID_REQUEST = -32700, -32600


@click.command()
@data_option("Data folder of the server, where AEGIS_URL is not set.", is_client=True)
def mcp(data: Path) -> None:
    """Serve the Model Context Protocol on stdin and stdout."""
    connection = connection_for(data)
    note(f"serving the Model Context Protocol for {connection.url} until the input ends")
    with_server(connection, _serve, connections=_AT_ONCE)


async def _serve(client: ServerClient) -> None:
    bridge, lines = _Bridge(client), asyncio.Queue[bytes]()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in iter(lambda: sys.stdin.buffer.readline(_LONGEST_LINE + 1), b""):
            loop.call_soon_threadsafe(lines.put_nowait, line)
        loop.call_soon_threadsafe(lines.put_nowait, b"")

    # A thread that the end of the process does not wait for: it may wait for a line that never comes.
    threading.Thread(target=read, daemon=True).start()
    while line := await lines.get():
        bridge.take(line)
    await bridge.finish()


class _Bridge:
    """Passes messages to the suite and its answers to the client."""

    def __init__(self, client: ServerClient) -> None:
        self._client = client
        self._version = ""  # what `initialize` agreed on, in revisions that have it
        self._running: dict[Any, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, line: bytes) -> None:
        """Starts to answer a message."""
        if not line.strip():
            return
        try:
            message = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            _write(_error(None, _PARSE_ERROR, "The line is not JSON, or is too long."))
            return
        if not isinstance(message, dict):
            _write(_error(None, _INVALID_REQUEST, "The line is not a JSON-RPC message."))
            return
        params = message.get("params")
        if message.get("method") == "notifications/cancelled" and isinstance(params, dict):
            self._cancel(params.get("requestId"))
            return
        task = asyncio.create_task(self._answer(message, line.strip()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if (key := _key(message.get("id"))) is not None:
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))

    async def finish(self) -> None:
        """Waits for the answers that are still to come."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _cancel(self, request_id: Any) -> None:
        if task := self._running.get(_key(request_id)):
            task.cancel()

    def _forget(self, key: Any, done: "asyncio.Task[None]") -> None:
        if self._running.get(key) is done:
            del self._running[key]

    async def _answer(self, message: dict[str, Any], line: bytes) -> None:
        is_request = "id" in message
        try:
            response = await self._client.post_bytes("/mcp", line, self._headers(message))
        except CommandError as failure:
            if is_request:
                _write(_error(message.get("id"), 503, " ".join(failure.lines)))
            return
        if response.status_code == 202 or not is_request:
            return
        answers = _answers(response)
        if not answers:
            _write(_error(message.get("id"), response.status_code, _detail(response)))
        for answer in answers:
            self._note_version(message, answer)
            _write(answer)

    def _headers(self, message: dict[str, Any]) -> dict[str, str]:
        """What the message says, repeated for those on the way who do not read bodies."""
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        meta = params.get("_meta")
        version = meta.get(VERSION_KEY) if isinstance(meta, dict) else None
        method = message.get("method")
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if not isinstance(version, str):
            return headers | ({"MCP-Protocol-Version": self._version} if self._version else {})
        headers |= {"MCP-Protocol-Version": encoded(version), "Mcp-Method": encoded(str(method))}
        name = params.get(NAMED_BY.get(str(method), ""))
        return headers | ({"Mcp-Name": encoded(name)} if isinstance(name, str) else {})

    def _note_version(self, message: dict[str, Any], answer: Any) -> None:
        result = answer.get("result") if isinstance(answer, dict) else None
        if message.get("method") == "initialize" and isinstance(result, dict):
            self._version = str(result.get("protocolVersion", ""))


def _key(request_id: Any) -> Any:
    """1 and "1" are two ids."""
    return (type(request_id), request_id) if isinstance(request_id, str | int) else None


def _answers(response: "httpx.Response") -> list[Any]:
    """The JSON-RPC messages of a response; none where it is something else."""
    from shared.terminal.sse import Decoder

    try:
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            messages = [msgspec.json.decode(event.data) for event in Decoder("").feed(response.content)]
        else:
            messages = [msgspec.json.decode(response.content)]
    except msgspec.DecodeError:
        return []
    return [message for message in messages if isinstance(message, dict) and "jsonrpc" in message]


def _detail(response: "httpx.Response") -> str:
    try:
        found = msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        found = None
    detail = found.get("detail") if isinstance(found, dict) else None
    return str(detail) if detail else f"The server answered {response.status_code}."


def _error(request_id: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": message}}


def _write(message: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()
