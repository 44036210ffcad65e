"""The OpenAI client's promises, over the fake's routes of that shape."""

import base64
from collections.abc import AsyncIterator

import pytest

from shared.types.model import Sampling
from shared.upstreams.calling import Timeouts
from shared.upstreams.openai import OpenAICompatible
from shared.upstreams.port import Capabilities, Fault, WireMessage
from tests.ollama import FakeOllama, Model, refusal
from tests.shared.upstreams.streams import call, collected, fault

_IMPATIENT = Timeouts(first_byte_s=0.2, between_s=0.2)
_SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
_ROUTE = "/v1/chat/completions"


@pytest.fixture
async def fake() -> AsyncIterator[FakeOllama]:
    async with FakeOllama(Model("smol", answer=lambda asked: "Hello there, how are you?")) as running:
        yield running


@pytest.fixture
async def openai(fake: FakeOllama) -> AsyncIterator[OpenAICompatible]:
    capabilities = Capabilities(enforces_schema=True)
    client = OpenAICompatible(fake.url, "local", api_key="sk-1", capabilities=capabilities)
    yield client
    await client.close()


def _streamed(*events: str) -> str:
    return "".join(f"data: {event}\n\n" for event in events)


async def test_an_answer_has_its_text_and_its_counts(fake: FakeOllama, openai: OpenAICompatible) -> None:
    text, done = await collected(openai.stream(call()))
    assert text == "Hello there, how are you?"
    assert done.finish == "stop"
    assert done.counts is not None
    assert (done.counts.prompt, done.counts.completion) == (12, 8)
    assert fake.seen[0].headers["authorization"] == "Bearer sk-1"


async def test_calls_one_after_another_share_a_connection(fake: FakeOllama, openai: OpenAICompatible) -> None:
    for _ in range(5):
        await collected(openai.stream(call()))
    assert fake.connections == 1


async def test_what_goes_over_the_wire(fake: FakeOllama, openai: OpenAICompatible) -> None:
    picture = b"\x89PNG picture"
    sampling = Sampling(temperature=0.0, top_p=0.5, seed=7, stop=("END",))
    messages = (WireMessage("system", "Be brief."), WireMessage("user", "What is it?", (picture, b"\xff\xd8 jpeg")))
    await collected(openai.stream(call(messages=messages, schema=_SCHEMA, sampling=sampling)))
    (body,) = fake.asked(_ROUTE)
    png, jpeg = (part["image_url"]["url"] for part in body["messages"][1].pop("content")[1:])
    assert png == f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    assert jpeg.startswith("data:image/jpeg;base64,")
    assert body == {
        "model": "smol",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user"}],
        "max_tokens": 32,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "top_p": 0.5,
        "seed": 7,
        "stop": ["END"],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": _SCHEMA, "strict": True},
        },
    }


async def test_a_server_that_holds_no_model_to_a_schema_is_not_asked_to(fake: FakeOllama) -> None:
    client = OpenAICompatible(fake.url, "cloud")
    await collected(client.stream(call(schema=_SCHEMA)))
    await client.close()
    assert "response_format" not in fake.asked(_ROUTE)[0]


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        ("hang", "timeout"),
        ("stall", "timeout"),
        ("reset", "broken"),
        ("cut", "broken"),
        ("abort", "broken"),
        ("error_line", "broken"),
        ("wrong_json", "broken"),
        ("rate", "rate_limited"),
        ("overloaded", "overloaded"),
    ],
)
async def test_trouble_is_a_fault_and_never_an_answer(
    fake: FakeOllama, openai: OpenAICompatible, trouble: str, expected: Fault
) -> None:
    fake.next(trouble)
    impatient = OpenAICompatible(fake.url, "local", timeouts=_IMPATIENT)
    assert (await fault((impatient if expected == "timeout" else openai).stream(call()))).fault == expected
    await impatient.close()


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (429, "You exceeded your current quota, please check your plan", "quota"),
        (429, "Rate limit reached for requests", "rate_limited"),
        (400, "This model's maximum context length is 8192 tokens", "too_long"),
        (400, "the request exceeds the available context size", "too_long"),
        (402, "Insufficient credits", "payment"),
        (404, "The model `x` does not exist", "model_not_found"),
        (422, "unknown field", "bad_request"),
    ],
)
async def test_a_refusal_in_openais_words_is_understood(
    fake: FakeOllama, openai: OpenAICompatible, status: int, message: str, expected: Fault
) -> None:
    body = b'{"error": {"message": "%b", "type": "x", "code": null}}' % message.encode()
    fake.next(refusal(status, "")._replace(body=body))
    failed = await fault(openai.stream(call()))
    assert failed.fault == expected
    assert message in failed.detail


async def test_without_usage_the_counts_are_unknown(fake: FakeOllama, openai: OpenAICompatible) -> None:
    fake.next("lost_usage")
    text, done = await collected(openai.stream(call()))
    assert text
    assert done.counts is None


@pytest.mark.parametrize(
    ("events", "text", "cached"),
    [
        (
            _streamed(
                '{"choices": [{"delta": {"role": "assistant", "content": null}}]}',
                '{"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9,'
                ' "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}}}',
                "[DONE]",
                "nothing is read after the end",
            ),
            "Hi",
            4,
        ),
        (
            ": a comment\r\nevent: message\r\n"
            + _streamed('{"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}')
            + _streamed('{"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}}'),
            "Hi",
            0,
        ),
    ],
    ids=["usage beside the end", "usage after the end, and no [DONE]"],
)
async def test_other_servers_streams_are_read(
    fake: FakeOllama, openai: OpenAICompatible, events: str, text: str, cached: int
) -> None:
    fake.next(refusal(200, "")._replace(body=events.encode()))
    message, done = await collected(openai.stream(call()))
    assert message == text
    assert done.counts is not None
    assert (done.counts.prompt, done.counts.completion, done.counts.cached) == (9, 2, cached)


async def test_an_error_in_the_stream_is_one(fake: FakeOllama, openai: OpenAICompatible) -> None:
    events = _streamed('{"choices": [{"delta": {"content": "Hi"}}]}', '{"error": {"message": "provider is away"}}')
    fake.next(refusal(200, "")._replace(body=events.encode()))
    failed = await fault(openai.stream(call()))
    assert (failed.fault, failed.may_have_run) == ("failed", True)
    assert "provider is away" in failed.detail


async def test_vectors_come_in_the_order_of_their_texts(openai: OpenAICompatible) -> None:
    both, counts = await openai.embed("smol", ["a cat", "the market fell"])
    (alone,), _ = await openai.embed("smol", ["the market fell"])
    assert both[1] == alone
    assert counts.prompt == 5
