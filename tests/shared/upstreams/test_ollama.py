"""Ollama's promises: over the fake, and over a real server where AEGIS_TEST_OLLAMA_URL names one."""

import asyncio
import base64
import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from shared.types.model import Sampling
from shared.upstreams.calling import Timeouts
from shared.upstreams.ollama import OllamaClient, is_cloud_name
from shared.upstreams.port import Fault, ModelCall, WireMessage
from tests.ollama import Asked, FakeOllama, Model, Refusal
from tests.shared.upstreams.streams import call, collected, fault

_SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
_IMPATIENT = Timeouts(first_byte_s=0.2, between_s=0.2)
_REAL = os.environ.get("AEGIS_TEST_OLLAMA_URL", "")


def _hello(asked: Asked) -> str:
    return "Hello there, how are you doing on this fine day?"


@pytest.fixture
async def fake() -> AsyncIterator[FakeOllama]:
    models = (
        Model("smol", answer=_hello),
        Model("thinker", answer=_hello, capabilities=("completion", "thinking"), thinks="Let me see."),
        Model("alias", remote_host="https://ollama.com"),
    )
    async with FakeOllama(*models) as running:
        yield running


@pytest.fixture
async def ollama(fake: FakeOllama) -> AsyncIterator[OllamaClient]:
    client = OllamaClient(fake.url)
    yield client
    await client.close()


@pytest.fixture
async def impatient(fake: FakeOllama) -> AsyncIterator[OllamaClient]:
    client = OllamaClient(fake.url, timeouts=_IMPATIENT)
    yield client
    await client.close()


@pytest.fixture(params=["fake", *(["real"] if _REAL else [])])
async def served(request: pytest.FixtureRequest, fake: FakeOllama) -> AsyncIterator[tuple[OllamaClient, str]]:
    """A client and the name of a small model: of the fake, and of a real server where there is one."""
    real = request.param == "real"
    client = OllamaClient(_REAL if real else fake.url)
    yield client, os.environ.get("AEGIS_TEST_OLLAMA_MODEL", "smollm2:135m") if real else "smol"
    await client.close()


def _asks(model: str, text: str = "Say hello.", **changes: object) -> ModelCall:
    return call(text, **({"model": model, "timeout_s": 120.0} | changes))


async def test_an_answer_has_its_text_and_its_counts(served: tuple[OllamaClient, str]) -> None:
    client, model = served
    text, done = await collected(client.stream(_asks(model)))
    assert text
    assert done.counts is not None
    assert done.counts.prompt > 3
    assert 1 <= done.counts.completion <= 32


async def test_an_answer_ends_at_its_limit_and_says_so(served: tuple[OllamaClient, str]) -> None:
    client, model = served
    _, done = await collected(client.stream(_asks(model, "Tell a long story.", max_output_tokens=3)))
    assert done.finish == "length"
    assert done.counts is not None
    assert done.counts.completion == 3


async def test_a_prompt_that_does_not_fit_is_refused_and_never_cut(served: tuple[OllamaClient, str]) -> None:
    client, model = served
    failed = await fault(client.stream(_asks(model, "word " * 600, context_tokens=256)))
    assert failed.fault == "too_long"
    assert not failed.may_have_run


async def test_a_schema_is_kept(served: tuple[OllamaClient, str]) -> None:
    client, model = served
    text, _ = await collected(client.stream(_asks(model, "Describe a person.", schema=_SCHEMA, max_output_tokens=80)))
    assert text.strip().startswith("{")


async def test_an_unknown_model_is_said_to_be_unknown(served: tuple[OllamaClient, str]) -> None:
    client, _ = served
    failed = await fault(client.stream(_asks("nobody-has-this")))
    assert failed.fault == "model_not_found"
    assert not failed.may_have_run


async def test_the_models_are_listed_with_what_they_can(served: tuple[OllamaClient, str]) -> None:
    client, model = served
    found = {info.name.removesuffix(":latest"): info for info in await client.models()}
    assert "completion" in found[model].capabilities
    assert found[model].context_tokens > 0
    assert found[model].size > 0


async def test_texts_come_back_as_vectors_in_their_order(served: tuple[OllamaClient, str]) -> None:
    client, model = served
    both, counts = await client.embed(model, ["a cat", "the market fell"])
    (alone,), _ = await client.embed(model, ["the market fell"])
    assert counts.prompt > 0
    assert both[1] == pytest.approx(alone, abs=1e-2)
    assert both[0] != pytest.approx(alone, abs=1e-2)


async def test_leaving_early_stops_the_model(fake: FakeOllama, ollama: OllamaClient) -> None:
    fake.seconds_per_token = 0.02
    async with aclosing(ollama.stream(call(max_output_tokens=1000))) as pieces:
        await anext(pieces)
        assert fake.running == 1
    await fake.until(lambda one: one.stopped == 1)
    assert fake.running == 0


async def test_a_cancelled_call_stops_the_model(fake: FakeOllama, ollama: OllamaClient) -> None:
    fake.seconds_per_token = 0.05
    task = asyncio.create_task(collected(ollama.stream(call())))
    await fake.until(lambda one: one.running == 1)
    task.cancel()
    await fake.until(lambda one: one.stopped == 1)


async def test_what_goes_over_the_wire(fake: FakeOllama, ollama: OllamaClient) -> None:
    picture = b"\x89PNG picture"
    messages = (WireMessage("system", "Be brief."), WireMessage("user", "What is it?", (picture,)))
    sampling = Sampling(temperature=0.0, top_p=0.9, seed=7, stop=("END",))
    fake.models["smol"] = Model("smol", capabilities=("completion", "vision"))
    await collected(ollama.stream(call(messages=messages, context_tokens=2048, sampling=sampling, schema=_SCHEMA)))
    (body,) = fake.asked("/api/chat")
    assert body == {
        "model": "smol",
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": {
            "num_predict": 32,
            "num_ctx": 2048,
            "temperature": 0.0,
            "top_p": 0.9,
            "seed": 7,
            "stop": ["END"],
        },
        "format": _SCHEMA,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is it?", "images": [base64.b64encode(picture).decode()]},
        ],
    }


async def test_pictures_are_refused_for_a_model_that_would_leave_them_out(
    fake: FakeOllama, ollama: OllamaClient
) -> None:
    messages = (WireMessage("user", "What is it?", (b"\x89PNG picture",)),)
    error = await fault(ollama.stream(call(messages=messages)))
    assert (error.fault, error.may_have_run) == ("bad_request", False)
    assert not fake.asked("/api/chat")


@pytest.mark.parametrize("tokens", [0, -1])
async def test_a_call_without_a_limit_is_never_sent(fake: FakeOllama, ollama: OllamaClient, tokens: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        await collected(ollama.stream(call(max_output_tokens=tokens)))
    assert not fake.asked("/api/chat")


async def test_a_model_thinks_only_when_asked_and_only_where_it_can(fake: FakeOllama, ollama: OllamaClient) -> None:
    quiet, short = await collected(ollama.stream(call(model="thinker")))
    aloud, long = await collected(ollama.stream(call(model="thinker", thinking=True)))
    await collected(ollama.stream(call(model="smol", thinking=True)))
    assert [body.get("think") for body in fake.asked("/api/chat")] == [False, True, None]
    assert quiet == aloud, "thoughts are counted, not told"
    assert short.counts is not None
    assert long.counts is not None
    assert long.counts.completion > short.counts.completion


@pytest.mark.parametrize("name", ["gpt-oss:120b-cloud", "glm-5.3:cloud", "GPT-OSS:20B-CLOUD", "host/lib/m:1b-cloud"])
async def test_a_cloud_name_never_reaches_the_local_server(fake: FakeOllama, ollama: OllamaClient, name: str) -> None:
    assert is_cloud_name(name)
    failed = await fault(ollama.stream(call(model=name)))
    assert failed.fault == "model_not_found"
    assert not failed.may_have_run
    assert not fake.seen


@pytest.mark.parametrize("name", ["smol", "smol:latest", "my-cloud", "cloud", "cloud/smol:1b"])
def test_other_names_are_local(name: str) -> None:
    assert not is_cloud_name(name)


async def test_an_alias_of_a_cloud_model_is_neither_asked_nor_listed(fake: FakeOllama, ollama: OllamaClient) -> None:
    failed = await fault(ollama.stream(call("a secret", model="alias")))
    assert failed.fault == "model_not_found"
    assert b"a secret" not in fake.bodies
    assert [model.name for model in await ollama.models()] == ["smol:latest", "thinker:latest"]


@pytest.mark.parametrize(
    "page",
    [
        Refusal(404, b"404 page not found"),
        Refusal(405, b""),
        Refusal(501, b"Unsupported method"),
        Refusal(200, b'{"done": true}\n{"done": true}'),
    ],
    ids=lambda page: str(page.status),
)
async def test_a_server_without_pages_of_its_models_is_asked_all_the_same(
    fake: FakeOllama, ollama: OllamaClient, page: Refusal
) -> None:
    fake.next(page, path="/api/show")
    text, _ = await collected(ollama.stream(call()))
    assert text == _hello(Asked(""))


@pytest.mark.parametrize(
    ("trouble", "expected", "may_have_run"),
    [
        ("hang", "timeout", True),
        ("reset", "broken", True),
        ("stall", "timeout", True),
        ("cut", "broken", True),
        ("abort", "broken", True),
        ("error_line", "failed", True),
        ("wrong_json", "broken", True),
        ("failed", "failed", True),
        ("bad_gateway", "overloaded", True),
        ("gibberish", "overloaded", True),
        ("overloaded", "overloaded", False),
        ("busy", "overloaded", False),
        ("redirect", "failed", False),
    ],
)
async def test_trouble_is_a_fault_and_never_an_answer(
    fake: FakeOllama, ollama: OllamaClient, impatient: OllamaClient, trouble: str, expected: Fault, may_have_run: bool
) -> None:
    fake.next(trouble)
    failed = await fault((impatient if expected == "timeout" else ollama).stream(call()))
    assert (failed.fault, failed.may_have_run) == (expected, may_have_run)
    assert (await collected(ollama.stream(call())))[0], "the next call finds the client well"


async def test_lost_counts_are_unknown_and_not_zero(fake: FakeOllama, ollama: OllamaClient) -> None:
    fake.next("lost_usage")
    text, done = await collected(ollama.stream(call()))
    assert text
    assert done.counts is None


async def test_a_server_that_is_not_there_has_run_nothing() -> None:
    async with FakeOllama() as gone:
        url = gone.url
    client = OllamaClient(url)
    failed = await fault(client.stream(call()))
    await client.close()
    assert failed.fault == "refused"
    assert not failed.may_have_run


async def test_trouble_before_the_prompt_is_sent_has_run_nothing(fake: FakeOllama, impatient: OllamaClient) -> None:
    fake.next("hang", path="/api/show")
    failed = await fault(impatient.stream(call("a prompt")))
    assert failed.fault == "timeout"
    assert not failed.may_have_run
    assert b"a prompt" not in fake.bodies


async def test_the_whole_call_is_bounded(fake: FakeOllama, ollama: OllamaClient) -> None:
    fake.seconds_per_token = 0.1
    failed = await fault(ollama.stream(call(timeout_s=0.5)))
    assert failed.fault == "timeout"
    await fake.until(lambda one: one.stopped == 1)


async def test_calls_one_after_another_share_a_connection(fake: FakeOllama, ollama: OllamaClient) -> None:
    for _ in range(5):
        await collected(ollama.stream(call()))
    assert fake.connections == 1


async def test_half_a_surrogate_pair_in_a_prompt_does_not_break_the_call(ollama: OllamaClient) -> None:
    text, _ = await collected(ollama.stream(call("half a pair \ud800")))
    assert text


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    certificate, key = tmp_path / "certificate", tmp_path / "key"
    subprocess.run(
        [*made, "-subj", "/CN=localhost", "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    on_remaining: list[bytes] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        on_remaining.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(receive, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    for scheme in ("https", "HTTPS"):
        client = OllamaClient(f"{scheme}://localhost:{port}")
        failed = await fault(client.stream(call()))
        await client.close()
        assert (failed.fault, failed.may_have_run) == ("refused", False)
    server.close()
    assert not on_remaining
