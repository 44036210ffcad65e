"""What the tests' broker promises: without it, what the suite does over it would prove nothing."""

import asyncio
import base64
import contextlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from events.document import DocumentStored, Origin
from events.envelope import Secrets, decode, encode, unwrap, wrap
from shared.runtime.events.cloudevents import read as product_read
from shared.runtime.http.exchange import AsgiScope, Receive, Send
from shared.runtime.http.listening import http_server, listen, started, url_of
from tests.cluster import broker as brokers
from tests.cluster.broker import Broker, Event, Faults, binary, structured

SECRETS = Secrets.parse("first:0123456789abcdef")
Answer = tuple[int, dict[str, str], bytes]
DONE: Answer = (204, {}, b"")


def item(name: str, *wants: tuple[str, dict[str, str]], concurrency: int = 10) -> dict[str, Any]:
    """A row as `aegis functions --json` lists it."""
    operations: list[dict[str, Any]] = [
        {"on": on, "filter": extensions, "role": None, "emits": []} for on, extensions in wants
    ]
    return {"name": name, "operations": operations, "concurrency": concurrency, "timeout_s": 5}


def event(event_type: str = "thing.happened", event_id: str = "e1", **attributes: str) -> Event:
    fields = {"specversion": "1.0", "id": event_id, "source": "/test", "type": event_type, **attributes}
    return Event(fields, {"größe": 3, "list": [1, {"b": "x", "a": None}]})


class Listener:
    """A function that records its events and gives the answers that a test has set."""

    def __init__(self, *answers: Answer) -> None:
        self.received: list[Event] = []
        self.at: list[float] = []
        self.raw: list[tuple[dict[str, str], bytes]] = []
        self.at_once = self.most_at_once = 0
        self.takes_s = 0.0
        self._answers = list(answers)

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        body = (await receive()).get("body", b"")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.takes_s)
        self.at_once -= 1
        self.received.append(brokers.read(headers, body))
        self.raw.append((headers, body))
        self.at.append(asyncio.get_running_loop().time())
        status, attributes, content = self._answers.pop(0) if self._answers else DONE
        fields = [(name.encode(), value.encode()) for name, value in attributes.items()]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": content})

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        with listen("127.0.0.1", 0) as socket:
            server = http_server(self)
            task = asyncio.create_task(server.serve(sockets=[socket]))
            await started(server, task)
            yield url_of(socket)
            server.should_exit = True
            await task


Start = Callable[..., Awaitable[Broker]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a broker over listeners: `start({"name": (listener, wants…)}, factor=…)`."""
    async with contextlib.AsyncExitStack() as stack:

        async def starting(functions: dict[str, tuple[Any, ...]], **options: Any) -> Broker:
            items = [item(name, *wants) for name, (_, *wants) in functions.items()]
            broker = Broker(items, **{"factor": 0.01, **options})
            for name, (listener, *_) in functions.items():
                if listener:
                    broker.send_to(name, await stack.enter_async_context(listener.serving()))
            await stack.enter_async_context(broker.serving())
            return broker

        yield starting


WANTS: tuple[str, dict[str, str]] = ("thing.happened", {})


async def test_an_event_comes_to_all_that_want_its_type_and_to_nobody_else(start: Start) -> None:
    one, two, other = Listener(), Listener(), Listener()
    broker = await start({"one": (one, WANTS), "two": (two, WANTS), "other": (other, ("other.happened", {}))})
    broker.publish(event())
    await broker.settled()
    assert (len(one.received), len(two.received), len(other.received)) == (1, 1, 0)


async def test_a_filter_compares_the_events_extensions(start: Start) -> None:
    cpu, gpu = Listener(), Listener()
    wanted = {"cpu": (cpu, ("thing.happened", {"route": "cpu"})), "gpu": (gpu, ("thing.happened", {"route": "gpu"}))}
    broker = await start(wanted)
    broker.publish(event(route="gpu"))
    broker.publish(event())
    await broker.settled()
    assert (len(cpu.received), len(gpu.received)) == (0, 1)


async def test_a_route_wants_no_events(start: Start) -> None:
    listener = Listener()
    broker = await start({"pages": (listener, ("GET /pages", {}))})
    broker.publish(event("GET /pages"))
    await broker.settled()
    assert listener.received == []


@pytest.mark.parametrize("write", [binary, structured])
async def test_it_takes_events_in_both_forms(
    start: Start, write: Callable[[Event], tuple[dict[str, str], bytes]]
) -> None:
    listener = Listener()
    broker = await start({"one": (listener, WANTS)})
    sent = event(subject='naïve 100 %"', epoch="3")
    headers, body = write(sent)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(broker.url, content=body, headers=headers)
    await broker.settled()
    assert answer.status_code == 202
    assert listener.received == [sent]


async def test_what_is_no_event_is_refused(start: Start) -> None:
    broker = await start({})
    async with httpx.AsyncClient(trust_env=False) as client:
        for content_type, body in (
            (brokers.STRUCTURED, b"{"),
            (brokers.STRUCTURED, b"[]"),
            ("application/json", b"{}"),
        ):
            answer = await client.post(broker.url, content=body, headers={"content-type": content_type})
            assert answer.status_code == 400


async def test_a_reply_goes_on_the_bus(start: Start) -> None:
    headers, body = structured(event("next.happened", "e2"))
    second = Listener()
    broker = await start({"first": (Listener((200, headers, body)), WANTS), "second": (second, ("next.happened", {}))})
    broker.publish(event())
    await broker.settled()
    assert [one.id for one in second.received] == ["e2"]


async def test_five_attempts_with_growing_pauses_then_the_dead_letter(start: Start) -> None:
    listener, sink = Listener(*[(503, {}, b"away")] * 9), Listener()
    broker = await start({"one_two": (listener, WANTS), "failed": (sink, (brokers.DEAD_LETTER, {}))}, factor=0.02)
    broker.publish(event(epoch="2"))
    await broker.settled()
    pauses = [late - early for early, late in zip(listener.at, listener.at[1:], strict=False)]
    assert len(listener.received) == 5
    assert all(pause >= 0.02 * nominal for pause, nominal in zip(pauses, (2, 4, 8, 16), strict=True))
    attributes = sink.received[0].attributes
    assert attributes | event(epoch="2").attributes == attributes
    assert attributes["knativeerrordest"] == "http://one-two.aegis.svc.cluster.local"
    assert attributes["knativeerrorcode"] == "503"
    assert base64.b64decode(attributes["knativeerrordata"]) == b"away"
    assert sink.received[0].data == event().data


def test_pauses_double_from_2_seconds_to_60() -> None:
    assert [brokers.pause_s(attempt) for attempt in range(2, 9)] == [2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("status", [400, 401])
async def test_what_is_final_is_not_tried_again(start: Start, status: int) -> None:
    listener, sink = Listener((status, {}, b"")), Listener()
    broker = await start({"one": (listener, WANTS), "failed": (sink, (brokers.DEAD_LETTER, {}))})
    broker.publish(event())
    await broker.settled()
    assert len(listener.received) == 1
    assert [one.attributes["knativeerrorcode"] for one in sink.received] == [str(status)]


@pytest.mark.parametrize("status", [404, 408, 413, 429, 500, 504])
async def test_everything_else_is_tried_again(start: Start, status: int) -> None:
    listener = Listener((status, {}, b""))
    broker = await start({"one": (listener, WANTS)})
    broker.publish(event())
    await broker.settled()
    assert [one.status for one in broker.deliveries] == [status, 204]


async def test_retry_after_is_respected(start: Start) -> None:
    listener = Listener((503, {"retry-after": "30"}, b""))
    broker = await start({"one": (listener, WANTS)})
    broker.publish(event())
    await broker.settled()
    assert listener.at[1] - listener.at[0] >= 0.3


async def test_a_function_that_is_not_there_is_tried_again(start: Start) -> None:
    late = Listener()
    broker = await start({"one": (None, WANTS)}, factor=0.05)
    broker.publish(event())
    await asyncio.sleep(0.05)
    async with late.serving() as url:
        broker.send_to("one", url)
        await broker.settled()
    assert broker.deliveries[0].status == 0
    assert len(late.received) == 1


async def test_a_function_that_nobody_reaches_is_a_500_as_at_knative(start: Start) -> None:
    sink = Listener()
    broker = await start({"one": (None, WANTS), "failed": (sink, (brokers.DEAD_LETTER, {}))})
    broker.publish(event())
    await broker.settled()
    attributes = sink.received[0].attributes
    assert attributes["knativeerrorcode"] == "500"
    assert base64.b64decode(attributes["knativeerrordata"]).startswith(b"dispatch error: ")


async def test_a_sink_that_fails_loses_the_letter(start: Start) -> None:
    sink = Listener(*[(503, {}, b"")] * 9)
    broker = await start({"one": (None, WANTS), "failed": (sink, (brokers.DEAD_LETTER, {}))})
    broker.publish(event())
    await broker.settled()
    assert len(sink.received) == 5
    assert len(broker.undeliverable) == 1


async def test_no_more_at_once_than_the_row_allows(start: Start) -> None:
    listener = Listener()
    listener.takes_s = 0.02
    broker = Broker([item("one", WANTS, concurrency=2)])
    async with listener.serving() as url, broker.serving():
        broker.send_to("one", url)
        for number in range(6):
            broker.publish(event(event_id=str(number)))
        await broker.settled()
    assert listener.most_at_once == 2


async def test_events_can_be_doubled_and_shuffled(start: Start) -> None:
    listener = Listener()
    broker = await start({"one": (listener, WANTS)}, faults=Faults(copies=2, latest_s=0.1))
    sent = [str(number) for number in range(20)]
    for event_id in sent:
        broker.publish(event(event_id=event_id))
    await broker.settled()
    assert Counter(one.id for one in listener.received) == dict.fromkeys(sent, 2)
    assert [one.id for one in listener.received] != sorted(sent * 2, key=int)


async def test_events_can_be_written_anew_and_say_the_same(start: Start) -> None:
    listener = Listener()
    broker = await start({"one": (listener, WANTS)}, faults=Faults(copies=40, rewrites=True))
    broker.publish(event(epoch="3", subject="s"))
    await broker.settled()
    assert all(one == event(epoch="3", subject="s") for one in listener.received)
    bodies = [(headers["content-type"].partition(";")[0], body) for headers, body in listener.raw]
    assert {media_type for media_type, _ in bodies} == {brokers.STRUCTURED, "application/json"}
    whole = [json.loads(body) for media_type, body in bodies if media_type == brokers.STRUCTURED]
    assert {type(fields["epoch"]) for fields in whole} == {int, str}
    assert len({tuple(fields) for fields in whole}) > 1
    assert any(b"\\u00f6" in body for _, body in bodies) and any("ö".encode() in body for _, body in bodies)
    assert any(b"\n" in body for _, body in bodies)


def test_a_signature_outlives_every_rewriting() -> None:
    about = Origin("ten_a", "doc_a", 7, "cpu", "req_a", "")
    message = DocumentStored(
        origin=about,
        key="k",
        original="t/ten_a/x",
        filename="größe \u2028.md",
        media_type="text/markdown",
        parser="markdown",
        size=3,
    )
    signed = wrap(message, "upload", SECRETS)
    sent = brokers.read({"content-type": brokers.STRUCTURED}, encode(signed))
    for number in range(50):
        write = (binary, structured)[number % 2]
        came, _ = product_read(*write(sent, random.Random(number)))
        assert unwrap(came, SECRETS) == unwrap(decode(encode(signed)), SECRETS) == message


async def test_the_clock_ticks(start: Start) -> None:
    listener = Listener()
    broker = await start({"sweep": (listener, (brokers.TICK, {}))}, tick_s=0.02)
    await asyncio.sleep(0.2)
    assert len(listener.received) >= 3
    assert len({one.id for one in listener.received}) == len(listener.received)
    assert broker.undeliverable == []
