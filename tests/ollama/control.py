"""Another process's hand on the fake: what the next calls meet, and what it saw.

`POST /_fake/next {"what": ["quota", …], "path": ""}`, `POST /_fake/always {"what": name or null, "path": ""}`,
`GET /_fake/seen`: `{"items": [{"method", "path", "body"}]}`.
"""

import json
from typing import TYPE_CHECKING

from tests.ollama.exchange import Exchange
from tests.ollama.native import JSON, Handle, encoded

if TYPE_CHECKING:
    from tests.ollama.server import FakeOllama


async def meet_next(fake: "FakeOllama", exchange: Exchange) -> None:
    asked = json.loads(exchange.request.body)
    fake.next(*asked["what"], path=asked.get("path", ""))
    await exchange.whole(204, "", b"")


async def meet_always(fake: "FakeOllama", exchange: Exchange) -> None:
    asked = json.loads(exchange.request.body)
    fake.always(asked["what"], path=asked.get("path", ""))
    await exchange.whole(204, "", b"")


async def seen(fake: "FakeOllama", exchange: Exchange) -> None:
    items = [
        {"method": one.method, "path": one.path, "body": one.body.decode("utf-8", "replace")}
        for one in fake.seen
        if not one.path.startswith("/_fake/")
    ]
    await exchange.whole(200, JSON, encoded({"items": items}))


ROUTES: dict[str, tuple[str, Handle]] = {
    "/_fake/next": ("POST", meet_next),
    "/_fake/always": ("POST", meet_always),
    "/_fake/seen": ("GET", seen),
}
