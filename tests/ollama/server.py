"""A server that behaves like Ollama 0.24, or like Ollama Cloud, with models that answer as a test has it.

    async with FakeOllama(Model("smol", answer=lambda asked: "…")) as fake:
        … fake.url …

It is held to recordings of a real one by `tests/shared/upstreams/test_fake_ollama.py`.
"""

import asyncio
import json
import re
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from tests.ollama import cloud, control, listing, native, openai_routes
from tests.ollama.checking import check, welcome
from tests.ollama.exchange import Exchange, HungUp, Request, read_request
from tests.ollama.generating import Run, run
from tests.ollama.models import Asked, Model
from tests.ollama.native import Body, Handle, Refused
from tests.ollama.recorded import Recorded, recordings
from tests.ollama.speaking import Shape, or_left, send_recorded, send_whole, stream
from tests.ollama.trouble import Refusal, Trouble, named

_ROUTES: dict[str, tuple[str, Handle]] = {
    **native.ROUTES,
    **listing.ROUTES,
    **openai_routes.ROUTES,
    **cloud.ROUTES,
    **control.ROUTES,
}
_MODEL_CALLS = ("/api/chat", "/api/generate", "/api/embed", "/v1/chat/completions", "/v1/embeddings")
_DEFAULT_WINDOW = 4096
_PICTURE_TOKENS = 256
_PLACEHOLDER_TOKENS = 5


class FakeOllama:
    """`parallel` calls of a model run at a time, the others get no header until one ends. `seconds_per_token` is the
    time that one made token takes, `reading_s` that of a prompt, which nobody can interrupt. With an `account` it is
    the cloud. `seen` holds every request, `running` and `most_running` count generations, `stopped` those whose caller
    left, `loads` every (model, window) that was loaded, `connections` how many were made."""

    def __init__(
        self,
        *models: Model,
        account: cloud.Account | None = None,
        parallel: int = 1,
        seconds_per_token: float = 0.0,
        reading_s: float = 0.0,
        port: int = 0,
    ) -> None:
        self.models = {model.name: model for model in models or (Model(),)}
        self.account = account
        self.seconds_per_token = seconds_per_token
        self.reading_s = reading_s
        self.seen: list[Request] = []
        self.loaded: dict[str, int] = {}
        self.loads: list[tuple[str, int]] = []
        self.running = self.most_running = self.stopped = self.connections = 0
        self.port = port
        self._parallel = parallel
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._next: dict[str, deque[Trouble | Recorded]] = {}
        self._always: dict[str, Trouble] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def bodies(self) -> bytes:
        """All that any caller ever sent, to look for what must not be in it."""
        return b"\n".join(request.body for request in self.seen)

    def asked(self, path: str = "/api/chat") -> list[Any]:
        """The bodies that came in on a route, decoded."""
        return [json.loads(request.body) for request in self.seen if request.path == path]

    def next(self, *what: str | Trouble, path: str = "") -> None:
        """What the next calls of a model, or of a path, meet: one each, in this order; by name (`trouble.named`)."""
        self._next.setdefault(path, deque()).extend(named(one) for one in what)

    def always(self, what: str | Trouble | None, path: str = "") -> None:
        """What every call of a model, or of a path, meets until it is None again."""
        if what is None:
            self._always.pop(path, None)
        else:
            self._always[path] = named(what)

    def replay(self, *names: str, path: str = "") -> None:
        """The next calls of a model, or of a path, get these recorded answers, whatever they ask."""
        self._next.setdefault(path, deque()).extend(recordings()[name] for name in names)

    async def until(self, holds: Callable[["FakeOllama"], bool]) -> None:
        """Waits for something to be so: that a call came, runs, or was stopped. `TimeoutError` after a minute."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(lambda: holds(self))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, limit=1 << 26)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """As a server that is killed: calls under way are cut."""
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def model(self, name: str, unknown: str = "model '{}' not found") -> Model:
        if self.account is None and re.search(r":(.*-)?cloud$", name):
            raise Refused(403, "ollama cloud is disabled: remote model is unavailable")
        found = self.models.get(name) or self.models.get(name.removesuffix(":latest"))
        if found is None:
            raise Refused(404, unknown.format(name))
        return found

    def window(self, model: Model, body: Body) -> int:
        """Tokens of context: more than the model knows is cut down silently."""
        if self.account is not None:
            return model.context_tokens
        return min(int(body.options.get("num_ctx", _DEFAULT_WINDOW)), model.context_tokens)

    def load(self, model: Model, window: int) -> None:
        if self.loaded.get(model.name) != window:
            self.loaded[model.name] = window
            self.loads.append((model.name, window))

    async def generate(
        self, exchange: Exchange, body: Body, model: Model, asked: Asked, prompt: int, shape: Shape
    ) -> None:
        """Refuses what a real server refuses, waits for a slot, reads the prompt, and says its piece."""
        window = self.window(model, body)
        check(body, model, prompt, window, constrains=self.account is None)
        made = run(
            model,
            asked,
            prompt + len(asked.pictures) * (_PICTURE_TOKENS if "vision" in model.capabilities else _PLACEHOLDER_TOKENS),
            thinks=bool(model.thinks) and body.get("think", True) is not False,
            enforces=self.account is None,
            window=window,
            shifts=body.get("shift", True) is not False,
            cached=self.account.cached(asked.whole) if self.account else 0,
        )
        slot = self._slots.setdefault(model.name, asyncio.Semaphore(self._parallel))
        await or_left(slot, exchange)
        try:
            self.load(model, window)
            await self._speak(exchange, body, made, shape)
            if self.account is not None:
                self.account.bill(model.name, made)
        finally:
            slot.release()

    async def _speak(self, exchange: Exchange, body: Body, made: Run, shape: Shape) -> None:
        await self._changing(running=1)
        stopped = 0
        try:
            await asyncio.sleep(self.reading_s)
            await (stream if body.streams else send_whole)(exchange, made, shape, self.seconds_per_token)
        except HungUp:
            stopped = 1
            raise
        finally:
            await self._changing(running=-1, stopped=stopped)

    async def _changing(self, request: Request | None = None, *, running: int = 0, stopped: int = 0) -> None:
        self.seen += [request] if request else []
        self.running += running
        self.stopped += stopped
        self.most_running = max(self.most_running, self.running)
        async with self._changed:
            self._changed.notify_all()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        try:
            while (request := await read_request(reader)) is not None:
                exchange = Exchange(request, reader, writer)
                try:
                    await self._answer(exchange)
                finally:
                    await exchange.stop_watching()
                if exchange.closing or exchange.left:
                    break
        except (HungUp, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._serving.discard(task)
            writer.close()

    async def _answer(self, exchange: Exchange) -> None:
        request = exchange.request
        await self._changing(request)
        if not welcome(request):
            await exchange.whole(403, "", b"")
            return
        try:
            if self.account is not None and not request.path.startswith("/_fake/"):
                self.account.admit(request.headers.get("authorization", ""))
            await self._met(exchange, self._meets(request.path))
        except Refused as refused:
            await self._refuse(exchange, refused)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            traceback.print_exc()
            await self._refuse(exchange, Refused(500, f"the fake does not know this: {error!r}"))

    def _meets(self, path: str) -> Trouble | Recorded | None:
        for key in (path, "") if path in _MODEL_CALLS else (path,):
            if self._next.get(key):
                return self._next[key].popleft()
            if key in self._always:
                return self._always[key]
        return None

    async def _met(self, exchange: Exchange, met: Trouble | Recorded | None) -> None:
        if isinstance(met, Recorded):
            await send_recorded(exchange, met)
        elif isinstance(met, Refusal):
            await exchange.whole(met.status, "application/json", met.body, met.headers)
        elif met == "hang":
            await exchange.until_left()
        elif met == "reset":
            exchange.reset()
        else:
            exchange.met = met
            await self._routed(exchange)

    async def _routed(self, exchange: Exchange) -> None:
        request = exchange.request
        method, handle = _ROUTES.get(request.path, ("", None))
        if handle is None or (self.account is not None and "embed" in request.path):
            await exchange.whole(404, "text/plain", b"404 page not found")
        elif request.method != method and (request.method, method) != ("HEAD", "GET"):
            await exchange.whole(405, "text/plain", b"405 method not allowed", {"Allow": method})
        else:
            await handle(self, exchange)

    async def _refuse(self, exchange: Exchange, refused: Refused) -> None:
        if exchange.request.path.startswith("/v1/"):
            body = openai_routes.error_body(refused.status, refused.text)
            known = (native.JSON, body) if refused.early else (openai_routes.JSON, body + b"\n")
            await exchange.whole(refused.status, *known)
        elif refused.late:
            await exchange.begin(refused.status, "application/json")
            await exchange.piece(native.encoded({"error": refused.text}))
            await exchange.end()
        else:
            await exchange.whole(refused.status, native.JSON, native.encoded({"error": refused.text}))
