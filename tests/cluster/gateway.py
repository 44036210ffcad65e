"""A gateway in front of the functions: forwards the routes of `aegis functions --json`."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx

from shared.runtime.http.exchange import AsgiScope, Receive, Send
from shared.runtime.http.listening import http_server, listen, started, url_of

_PARAMETER = re.compile(r"\\{\w+\\}")
_HOP = frozenset({"host", "connection", "transfer-encoding", "keep-alive", "date", "server"})
_CONNECT_TIMEOUT_S = 15.0
"""How long a call waits for a function that does not listen yet, as for one that is scaled to zero."""


class Gateway:
    """Forwards each call to the function of its route, and an unknown path to `front`, which refuses it."""

    def __init__(self, items: Sequence[dict[str, Any]]) -> None:
        self._routes: list[tuple[str, re.Pattern[str], str]] = [
            (operation["on"].partition(" ")[0], _pattern(operation["on"].partition(" ")[2]), item["name"])
            for item in items
            for operation in item["operations"]
            if " /" in operation["on"]
        ]
        self.urls: dict[str, str] = {}
        self.url = ""

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Gateway"]:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=120) as self._client:
            with listen("127.0.0.1", 0) as listener:
                server = http_server(self)
                serving = asyncio.create_task(server.serve(sockets=[listener]))
                await started(server, serving)
                self.url = url_of(listener)
                try:
                    yield self
                finally:
                    server.should_exit = server.force_exit = True
                    await serving

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        url = self.urls[self._function(scope["method"], scope["path"])] + _target(scope)
        headers = [(name, value) for name, value in scope["headers"] if name.decode() not in _HOP]
        address = scope["client"][0].encode()
        request = self._client.build_request(
            scope["method"], url, content=body, headers=[*headers, (b"x-forwarded-for", address)]
        )
        try:
            answer = await self._send(request)
        except httpx.HTTPError:
            await send({"type": "http.response.start", "status": 502, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await _pass_on(answer, send)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        until = asyncio.get_running_loop().time() + _CONNECT_TIMEOUT_S
        while True:
            try:
                return await self._client.send(request, stream=True)
            except httpx.ConnectError:
                if asyncio.get_running_loop().time() > until:
                    raise
                await asyncio.sleep(0.1)

    def _function(self, method: str, path: str) -> str:
        found = [(its_method, name) for its_method, pattern, name in self._routes if pattern.fullmatch(path)]
        exact: list[str] = [name for its_method, name in found if its_method == method]
        return [*exact, *(name for _, name in found), "front"][0]


async def _pass_on(answer: httpx.Response, send: Send) -> None:
    headers = [(name, value) for name, value in answer.headers.raw if name.decode().lower() not in _HOP]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    with contextlib.suppress(httpx.HTTPError, RuntimeError):  # an interrupted response is interrupted here too
        async for chunk in answer.aiter_raw():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    await answer.aclose()


def _target(scope: AsgiScope) -> str:
    path: str = scope["raw_path"].decode()
    query: str = scope["query_string"].decode()
    return f"{path}?{query}" if query else path


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub("[^/]+", re.escape(path)))
