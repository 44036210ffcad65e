"""Work and downloads end with their caller; a call that the end of the process cuts off is answered."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest

from shared.runtime.http.abandoned import unless_abandoned, while_valid
from shared.runtime.http.exchange import Exchange, Exchanges
from shared.types.errors import InvalidRequest, Unauthenticated

SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "path": "/search", "headers": [], "client": ("::1", 1)}


class Caller:
    """A caller who may leave, and whose key may be revoked."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.revoked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.exchange = Exchange(SCOPE, ())
        self.exchange.receive, self.exchange.watching = self._receive, self._watching

    async def _receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    @contextlib.contextmanager
    def _watching(self) -> Iterator["asyncio.Future[None]"]:
        yield self.revoked


async def test_work_ends_when_its_caller_leaves_or_has_no_key_any_more() -> None:
    async def endless() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.set()

    for leave, error in (
        (lambda one: one.left.set(), InvalidRequest),
        (lambda one: one.revoked.set_result(None), Unauthenticated),
    ):
        caller, ended = Caller(), asyncio.Event()
        asyncio.get_running_loop().call_later(0.01, leave, caller)
        with pytest.raises(error):
            await unless_abandoned(endless(), caller.exchange)
        assert ended.is_set()
    assert await unless_abandoned(asyncio.sleep(0, "done"), Caller().exchange) == "done"


async def test_a_download_breaks_off_once_its_key_is_revoked() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        while True:
            yield b"piece"

    caller = Caller()
    download = while_valid(pieces(), caller.exchange)
    assert await anext(download) == b"piece"
    caller.revoked.set_result(None)
    with pytest.raises(Unauthenticated):
        await anext(download)


async def test_a_call_that_is_cut_off_when_the_process_stops_is_told_to_come_again() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(100)
        return {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        started.set()
        await asyncio.sleep(100)

    async def unlimited(exchange: Exchange) -> None:
        return

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    started = asyncio.Event()
    call = asyncio.create_task(Exchanges(app, (), unlimited)(dict(SCOPE), receive, send))
    await started.wait()
    call.cancel()
    await asyncio.wait([call], timeout=10)
    head, body = sent
    assert head["status"] == 503
    assert (b"retry-after", b"5") in head["headers"]
    assert (b"content-type", b"application/problem+json") in head["headers"]
    assert msgspec.json.decode(body["body"])["type"] == "/problems/store-unavailable"
