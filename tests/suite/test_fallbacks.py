"""Whatever breaks on the way to a model, a question ends: answered from elsewhere, with the reason, or refused."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ollama import Account, FakeOllama, Model, refusal
from tests.ollama.threaded import Threaded, serving
from tests.suite.running import Running
from tests.suite.test_models import CLOUD, HARD, LEAVE, LOCAL, MERGER, PUMPS, House, documents, quoting
from tests.timing import within

SIMPLE = "What is the pressure limit of the pump P-101?"
SETTINGS = """
ollama: {concurrency: 30}
ollama_cloud: {concurrency: 30, timeout_s: 3}
"""
STREAMS = 50


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("fallbacks")
    settings = folder / "proxy.yaml"
    settings.write_text(SETTINGS)
    local = FakeOllama(Model(LOCAL, answer=quoting, context_tokens=32_768), parallel=60)
    cloud = FakeOllama(Model(CLOUD, answer=quoting, context_tokens=131_072), account=Account(), parallel=60)
    with serving(local, cloud) as (here, there):
        server = Running(
            folder / "data",
            AEGIS_PROXY_CONFIG=str(settings),
            AEGIS_OLLAMA_URL=here.url,
            AEGIS_OLLAMA_CLOUD_URL=there.url,
            OLLAMA_CLOUD_API_KEY="cloud-key",
        ).start()
        with server.caller(server.api_key) as caller:
            for name, text, kind in (("p", PUMPS, "public"), ("l", LEAVE, "internal"), ("m", MERGER, "confidential")):
                caller.ingest(text.encode(), f"{name}.md", classification=kind)
            yield House(server, caller, here, there)
        server.stop()


def hard(house: House) -> dict[str, Any]:
    """A question that goes to the cloud where nothing keeps it here."""
    return house.ask(HARD, quality="high", document_ids=documents(house, "public", "internal"))


def ran(answer: dict[str, Any]) -> tuple[str, str]:
    return answer["execution"]["location"], answer["execution"]["reason"]


def day(house: House) -> dict[str, Any]:
    """What the tenant has spent and reserved."""
    scopes = house.caller.get("/budget").raise_for_status().json()["scopes"]
    found: dict[str, Any] = next(one for one in scopes if (one["scope"], one["window"]) == ("tenant", "day"))
    return found


@contextmanager
def slow(*servers: Threaded, seconds_per_token: float = 0.02) -> Iterator[None]:
    """Long answers, word by word, of statements that a source supports."""
    before = [dict(one.fake.models) for one in servers]
    for one in servers:
        (name,) = one.fake.models
        one.fake.models[name] = Model(
            name, answer=lambda asked: "The pressure limit of the pump is 16 bar. " * 90, context_tokens=131_072
        )
        one.fake.seconds_per_token = seconds_per_token
    try:
        yield
    finally:
        for one, models in zip(servers, before, strict=True):
            one.fake.models, one.fake.seconds_per_token = models, 0.0


def test_a_used_up_quota_is_answered_here_until_it_is_there_again(house: House) -> None:
    assert ran(hard(house)) == ("cloud", "quality")
    house.cloud.fake.next(refusal(429, "you have reached your weekly usage limit", retry_after="2"))
    assert ran(hard(house)) == ("local", "fallback_quota")
    asked = len(house.cloud.fake.asked())
    assert ran(hard(house)) == ("local", "cloud_unavailable")
    assert len(house.cloud.fake.asked()) == asked
    time.sleep(2)
    assert ran(hard(house)) == ("cloud", "quality")


def test_a_cloud_that_hangs_is_left_after_its_time_and_paid_at_its_most(house: House) -> None:
    before = day(house)["spent_usd"]
    house.cloud.fake.next("hang")
    with within(7, house.server.pid):
        answer = hard(house)
    assert ran(answer) == ("local", "fallback_timeout")
    assert answer["answered"]
    assert day(house)["spent_usd"] > before
    assert day(house)["reserved_usd"] == 0


def test_without_budget_it_is_answered_here(house: House) -> None:
    with house.server.caller(house.server.operator_key) as operator:
        scope = {"scope": "tenant", "id": day(house)["id"]}
        operator.put("/budget", json={**scope, "daily_usd": 0.0}).raise_for_status()
        try:
            assert ran(hard(house)) == ("local", "budget")
        finally:
            operator.put("/budget", json={**scope, "daily_usd": None}).raise_for_status()
    assert ran(hard(house)) == ("cloud", "quality")


def test_a_frozen_redis_refuses_within_a_second_and_is_forgotten_once_it_goes_on(house: House) -> None:
    redis = valkey_of(house.server.pid)
    os.kill(redis, signal.SIGSTOP)
    try:
        with house.server.caller(house.caller.key, comes_again=False) as caller, within(1.5, house.server.pid):
            refused = caller.post("/ask", json={"question": SIMPLE})
    finally:
        os.kill(redis, signal.SIGCONT)
    assert refused.status_code == 503
    assert refused.json()["type"] == "/problems/store-unavailable"
    assert int(refused.headers["Retry-After"]) > 0
    assert ran(house.ask(SIMPLE, limit=1)) == ("local", "default")


def valkey_of(pid: int) -> int:
    """The server's own Redis."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
            program = (place / "cmdline").read_bytes().split(b"\0")[0]
        except OSError:
            continue
        if int(parent) == pid and b"valkey-server" in program:
            return int(place.name)
    raise AssertionError("the server has no Redis of its own")


def test_an_answer_of_a_slow_model_comes_before_its_deadline(house: House) -> None:
    ids = documents(house, "public")
    with slow(house.local):
        with within(10, house.server.pid):  # the model alone takes 18 s
            answer = house.ask(SIMPLE, max_latency_ms=3000, document_ids=ids)
        request = {"question": SIMPLE, "max_latency_ms": 3000, "document_ids": ids, "stream": True}
        events = house.caller.post("/ask", json=request).raise_for_status().text
        house.local.until(lambda fake: fake.running == 0)
    assert ran(answer) == ("extractive", "latency")
    assert answer["answered"]
    assert answer["degraded"] == ["model"]
    assert events.count("event: token") > 1
    assert '"reason":"latency"' in events.rpartition("event: done")[2]


def test_fifty_streams_that_are_cut_stop_their_models_and_leave_nothing_behind(house: House) -> None:
    public, dice = documents(house, "public", "internal"), random.Random(3)
    house.ask(SIMPLE, limit=1)
    before = day(house)["spent_usd"]

    async def cut(client: httpx.AsyncClient, after: int, fields: dict[str, Any]) -> None:
        tokens = 0
        async with client.stream("POST", "/ask", json={"stream": True, "document_ids": public, **fields}) as response:
            async for line in response.aiter_lines():
                tokens += line == "event: token"
                if tokens == after:
                    return

    async def cut_all() -> None:
        headers, limits = {"Authorization": f"Bearer {house.caller.key}"}, httpx.Limits(max_connections=STREAMS)
        async with httpx.AsyncClient(
            base_url=house.server.url, headers=headers, limits=limits, timeout=20, trust_env=False
        ) as client:
            there, here = {"question": HARD, "quality": "high"}, {"question": SIMPLE, "quality": "fast"}
            kinds = [there, here] * (STREAMS // 2)
            await asyncio.gather(*(cut(client, dice.randint(1, 2), fields) for fields in kinds))

    def cut_and_settled() -> int:
        """Handles that are open afterwards."""
        stopped = [one.fake.stopped for one in (house.local, house.cloud)]
        with slow(house.local, house.cloud, seconds_per_token=0.04):
            asyncio.run(cut_all())
            for server, already in zip((house.local, house.cloud), stopped, strict=True):
                with within(1, house.server.pid):
                    server.until(lambda fake: fake.running == 0)
                assert server.fake.stopped - already == STREAMS // 2
        until = time.monotonic() + 60
        while day(house)["reserved_usd"]:
            assert time.monotonic() < until, day(house)
            time.sleep(0.05)
        return open_handles(house.server.pid)

    first = cut_and_settled()
    assert day(house)["spent_usd"] > before
    later = min(cut_and_settled() for _ in range(2))
    assert later < first + STREAMS // 2, "connections are kept for the next call, but not one for each"
    assert ran(house.ask(SIMPLE, limit=1)) == ("local", "default")


def open_handles(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def test_without_a_local_server_the_cloud_answers_what_may_leave_and_sentences_the_rest(house: House) -> None:
    house.local.run(house.local.fake.__aexit__())
    answer = house.ask(SIMPLE, document_ids=documents(house, "public"))
    assert ran(answer) == ("cloud", "fallback_local_unavailable")
    private = house.ask("What is the price of Project Osprey?", document_ids=documents(house, "confidential"))
    assert private["execution"]["location"] == "extractive"
    assert private["answered"]
    assert b"Osprey" not in house.cloud.fake.bodies
    house.cloud.fake.next("overloaded")
    neither = house.ask(SIMPLE, document_ids=documents(house, "public"))
    assert ran(neither) == ("extractive", "fallback_overloaded")
    assert "model" in neither["degraded"]
    assert neither["answered"]
