"""A broker over HTTP that behaves as a Knative broker: accepts CloudEvents by POST and delivers each to its listeners.

It reads the subscriptions from `aegis functions --json` alone and stores nothing. A test can inject the faults that a
broker may have: duplicates, another order, and other encodings of the same event.
"""

import asyncio
import base64
import contextlib
import json
import random
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import httpx

from shared.runtime.http.exchange import AsgiMessage, AsgiScope, Receive, Send
from shared.runtime.http.listening import http_server, listen, started, url_of

ATTEMPTS = 5
DEAD_LETTER = "aegis.dead-letter"
STRUCTURED = "application/cloudevents+json"
TICK = "aegis.clock.ticked.v1"
_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 60.0
_FINAL = (400, 401)
_LONGEST_ERROR_DATA = 1024
_NUMBERS = ("epoch",)
"""Attributes that may be written as numbers."""


class UnreadableEvent(ValueError):
    """No CloudEvent in either form."""


@dataclass(frozen=True)
class Event:
    """A CloudEvent; attributes in their string form, data as decoded JSON."""

    attributes: dict[str, str]
    data: Any = None

    @property
    def id(self) -> str:
        return self.attributes["id"]

    @property
    def type(self) -> str:
        return self.attributes["type"]


@dataclass(frozen=True)
class Faults:
    """Faults of delivery: duplicates, delays of up to `latest_s`, and other encodings."""

    copies: int = 1
    latest_s: float = 0.0
    rewrites: bool = False


@dataclass(frozen=True)
class Delivery:
    """One attempt. `status` is 0 where the function did not answer."""

    function: str
    event: Event
    attempt: int
    status: int


@dataclass
class Subscription:
    function: str
    wants: tuple[tuple[str, dict[str, str]], ...]
    timeout_s: float
    slots: asyncio.Semaphore
    url: str = ""

    @property
    def destination(self) -> str:
        """The function's address in a cluster."""
        return f"http://{self.function.replace('_', '-')}.aegis.svc.cluster.local"

    def wants_event(self, event: Event) -> bool:
        return any(
            event.type == wanted and all(event.attributes.get(name) == value for name, value in extensions.items())
            for wanted, extensions in self.wants
        )

    @property
    def receives_dead_letters(self) -> bool:
        return any(wanted == DEAD_LETTER for wanted, _ in self.wants)


@dataclass
class Failure:
    """Why the last attempt failed."""

    status: int = 0
    body: bytes = b""
    pause_s: float = 0.0


@dataclass
class Broker:
    """`items` is what `aegis functions --json` lists. `factor` scales every pause of the delivery policy."""

    items: Sequence[dict[str, Any]]
    factor: float = 1.0
    faults: Faults = Faults()
    tick_s: float | None = None
    seed: int = 0
    url: str = ""
    deliveries: list[Delivery] = field(default_factory=list)
    dead_letters: list[Event] = field(default_factory=list)
    undeliverable: list[Event] = field(default_factory=list)
    """Dead letters that their sink did not take either."""
    when_called: dict[str, Callable[[], None]] = field(default_factory=dict)
    """By function: what is done once, as soon as the next attempt has begun."""

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._subscriptions = {item["name"]: _subscription(item) for item in self.items if _events(item)}
        self._pending: set[asyncio.Task[None]] = set()
        self._running: list[asyncio.Task[None]] = []

    def send_to(self, function: str, url: str) -> None:
        """Sets a function's address; without one, attempts fail and are repeated."""
        if function in self._subscriptions:
            self._subscriptions[function].url = url

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Broker"]:
        """Listens at `url` while inside."""
        async with httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=None)) as self._client:
            with listen("127.0.0.1", 0) as listener:
                server = http_server(self)
                serving = asyncio.create_task(server.serve(sockets=[listener]))
                await started(server, serving)
                self.url = url_of(listener)
                self._running = [asyncio.create_task(self._run_clock())] if self.tick_s else []
                try:
                    yield self
                finally:
                    await self._stop()
                    server.should_exit = True
                    await serving

    async def settled(self) -> None:
        """Returns when no delivery is pending."""
        while self._pending:
            await asyncio.wait(list(self._pending), return_when=asyncio.FIRST_COMPLETED)

    def publish(self, event: Event) -> None:
        """Delivers an event to all its listeners."""
        for subscription in self._subscriptions.values():
            if subscription.wants_event(event):
                for _ in range(self.faults.copies):
                    self._start(self._deliver(subscription, event))

    async def _stop(self) -> None:
        tasks = [*self._running, *self._pending]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """The broker's own endpoint: 202 for an event, 400 for anything else."""
        body, more = b"", True
        while more:
            message: AsgiMessage = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        status = 202
        try:
            self.publish(read(headers, body))
        except UnreadableEvent:
            status = 400
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _deliver(self, subscription: Subscription, event: Event) -> None:
        """Delivers with up to five attempts, then a dead letter; a reply is published."""
        await asyncio.sleep(self._random.uniform(0, self.faults.latest_s))
        failure = Failure()
        for attempt in range(1, ATTEMPTS + 1):
            if attempt > 1:
                await asyncio.sleep(self.factor * max(pause_s(attempt), failure.pause_s))
            async with subscription.slots:
                answered = await self._attempt(subscription, event, attempt)
            if not isinstance(answered, Failure):
                if answered:
                    self.publish(answered)
                return
            failure = answered
            if failure.status in _FINAL:
                break
        self._dead_letter(subscription, event, failure)

    async def _attempt(self, subscription: Subscription, event: Event, attempt: int) -> Event | Failure | None:
        """Posts the event once; returns the reply, if any."""
        headers, body = self._encoded(event)
        if act := self.when_called.pop(subscription.function, None):
            act()
        try:
            answer = await self._client.post(
                subscription.url or "http://127.0.0.1:9", content=body, headers=headers, timeout=subscription.timeout_s
            )
        except httpx.HTTPError as error:
            self._record(subscription, event, attempt, 0)
            return Failure(body=f"dispatch error: {error!r}".encode())
        self._record(subscription, event, attempt, answer.status_code)
        if answer.status_code >= 300:
            return Failure(answer.status_code, answer.content, _retry_after_s(answer))
        if not answer.content:
            return None
        try:
            return read({name.lower(): value for name, value in answer.headers.items()}, answer.content)
        except UnreadableEvent as error:
            return Failure(answer.status_code, str(error).encode())

    def _record(self, subscription: Subscription, event: Event, attempt: int, status: int) -> None:
        self.deliveries.append(Delivery(subscription.function, event, attempt, status))

    def _encoded(self, event: Event) -> tuple[dict[str, str], bytes]:
        if not self.faults.rewrites:
            return structured(event)
        return self._random.choice((binary, structured))(event, self._random)

    def _dead_letter(self, subscription: Subscription, event: Event, failure: Failure) -> None:
        """Adds Knative's error extensions: code 500 where the function did not answer."""
        if subscription.receives_dead_letters and "knativeerrordest" in event.attributes:
            self.undeliverable.append(event)
            return
        error_extensions = {
            "knativeerrordest": subscription.destination,
            "knativeerrorcode": str(failure.status or 500),
            "knativeerrordata": base64.b64encode(failure.body).decode()[:_LONGEST_ERROR_DATA],
        }
        dead_letter = Event({**event.attributes, **error_extensions}, event.data)
        self.dead_letters.append(dead_letter)
        for sink in self._subscriptions.values():
            if sink.receives_dead_letters:
                self._start(self._deliver(sink, dead_letter))

    async def _run_clock(self) -> None:
        while self.tick_s:
            self.publish(tick())
            await asyncio.sleep(self.tick_s)


def tick() -> Event:
    return Event({"specversion": "1.0", "id": f"tick_{secrets.token_hex(8)}", "source": "/clock", "type": TICK})


def pause_s(attempt: int) -> float:
    """Before the second attempt 2 s, then 4, 8 … 60."""
    return min(_FIRST_PAUSE_S * (1 << (attempt - 2)), _LONGEST_PAUSE_S)


def read(headers: dict[str, str], body: bytes) -> Event:
    """An event in either form. Raises `UnreadableEvent`."""
    media_type = headers.get("content-type", "").partition(";")[0].strip()
    try:
        if media_type == STRUCTURED:
            fields = json.loads(body)
            data = fields.pop("data", None)
        else:
            fields = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
            data = json.loads(body) if body else None
    except (ValueError, AttributeError, TypeError) as error:
        raise UnreadableEvent(str(error)) from error
    attributes = {name: str(value) for name, value in fields.items() if value is not None}
    if any(not attributes.get(name) for name in ("id", "source", "type", "specversion")):
        raise UnreadableEvent("an event has an id, a source, a type and a specversion")
    return Event(attributes, data)


def structured(event: Event, chance: random.Random | None = None) -> tuple[dict[str, str], bytes]:
    """One JSON object; by chance in another order, with space, escapes and numbers."""
    fields: dict[str, Any] = {**event.attributes}
    if event.data is not None:
        fields["data"] = event.data
    if chance is None:
        return {"content-type": STRUCTURED}, json.dumps(fields, ensure_ascii=False).encode()
    numbers = {name: int(fields[name]) for name in _NUMBERS if name in fields and chance.random() < 0.5}
    return {"content-type": f"{STRUCTURED}; charset=utf-8"}, _rewritten({**fields, **numbers}, chance)


def binary(event: Event, chance: random.Random | None = None) -> tuple[dict[str, str], bytes]:
    """Attributes as headers, the body is the data; by chance written anew."""
    names = [name for name in event.attributes if name != "datacontenttype"]
    if chance:
        chance.shuffle(names)
    headers = {f"ce-{name}": quote(event.attributes[name], safe=" !#$&'()*+,-./:;<=>?@[]^_`{|}~") for name in names}
    if event.data is None:
        return headers, b""
    body = _rewritten(event.data, chance) if chance else json.dumps(event.data).encode()
    return {**headers, "content-type": event.attributes.get("datacontenttype", "application/json")}, body


def _rewritten(value: Any, chance: random.Random) -> bytes:
    """The same JSON in other bytes."""
    indent = chance.choice((None, 1, 4))
    return json.dumps(_shuffled(value, chance), indent=indent, ensure_ascii=chance.random() < 0.5).encode()


def _shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, list):
        return [_shuffled(item, chance) for item in value]
    if not isinstance(value, dict):
        return value
    names = list(value)
    chance.shuffle(names)
    return {name: _shuffled(value[name], chance) for name in names}


def _subscription(item: dict[str, Any]) -> Subscription:
    wants = tuple((operation["on"], operation["filter"]) for operation in _events(item))
    return Subscription(item["name"], wants, item["timeout_s"] + 5, asyncio.Semaphore(item["concurrency"]))


def _events(item: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Operations that an event wakes; a route is `METHOD /path`."""
    return [operation for operation in item["operations"] if " /" not in operation["on"]]


def _retry_after_s(answer: httpx.Response) -> float:
    seconds = answer.headers.get("retry-after", "")
    return float(seconds) if seconds.isdigit() else 0.0
