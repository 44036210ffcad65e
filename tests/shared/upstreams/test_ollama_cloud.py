"""Ollama Cloud's promises, over the fake's account."""

import logging
from collections.abc import AsyncIterator

import pytest

from shared.upstreams.ollama_cloud import OllamaCloudClient
from shared.upstreams.port import Fault, UpstreamError
from tests.ollama import Account, FakeOllama, Model, refusal
from tests.shared.upstreams.streams import call, collected, fault

_KEY = "sk-very-secret-0123456789"
_SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


@pytest.fixture
async def fake() -> AsyncIterator[FakeOllama]:
    model = Model("gpt-oss:120b", answer=lambda asked: "Plain words about " + asked.text)
    async with FakeOllama(model, account=Account(key=_KEY)) as running:
        yield running


@pytest.fixture
async def cloud(fake: FakeOllama) -> AsyncIterator[OllamaCloudClient]:
    client = OllamaCloudClient(_KEY, base_url=fake.url)
    yield client
    await client.close()


@pytest.mark.parametrize("name", ["gpt-oss:120b", "gpt-oss:120b-cloud"])
async def test_a_model_is_asked_by_its_own_name_with_the_key(
    fake: FakeOllama, cloud: OllamaCloudClient, name: str
) -> None:
    text, done = await collected(cloud.stream(call(model=name)))
    assert text == "Plain words about Say hello."
    assert [body["model"] for body in fake.asked("/api/chat")] == ["gpt-oss:120b"]
    assert fake.seen[-1].headers["authorization"] == f"Bearer {_KEY}"
    assert done.counts is not None
    assert done.counts.cached == 0


async def test_cached_tokens_are_among_those_of_the_prompt(cloud: OllamaCloudClient) -> None:
    await collected(cloud.stream(call("The same words again.", model="gpt-oss:120b")))
    _, done = await collected(cloud.stream(call("The same words again.", model="gpt-oss:120b")))
    assert done.counts is not None
    assert 0 < done.counts.cached <= done.counts.prompt


async def test_it_does_not_claim_to_hold_a_model_to_a_schema(cloud: OllamaCloudClient) -> None:
    text, _ = await collected(cloud.stream(call(model="gpt-oss:120b", schema=_SCHEMA)))
    assert not text.startswith("{")
    assert not cloud.capabilities.enforces_schema


@pytest.mark.parametrize(
    ("trouble", "expected", "may_have_run"),
    [
        ("unauthorized", "unauthorized", False),
        ("payment", "payment", False),
        ("forbidden", "forbidden", False),
        ("rate", "rate_limited", False),
        ("slots", "rate_limited", False),
        ("session_quota", "quota", False),
        ("weekly_quota", "quota", False),
        ("hourly_quota", "quota", False),
        ("overloaded", "overloaded", False),
        ("failed", "failed", True),
        ("redirect", "failed", False),
    ],
)
async def test_a_refusal_says_what_to_do_next(
    fake: FakeOllama, cloud: OllamaCloudClient, trouble: str, expected: Fault, may_have_run: bool
) -> None:
    fake.next(trouble)
    failed = await fault(cloud.stream(call(model="gpt-oss:120b")))
    assert (failed.fault, failed.may_have_run) == (expected, may_have_run)
    assert failed.counts is None


async def test_the_server_says_how_long_to_wait(fake: FakeOllama, cloud: OllamaCloudClient) -> None:
    fake.next("rate", refusal(429, "slow down", retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), refusal(429, "slow down"))
    waits = [(await fault(cloud.stream(call(model="gpt-oss:120b")))).retry_after for _ in range(3)]
    assert waits == [2, 0, None]


async def test_a_wrong_key_is_unauthorized_and_nothing_was_asked(fake: FakeOllama) -> None:
    client = OllamaCloudClient("another-key", base_url=fake.url)
    failed = await fault(client.stream(call("a prompt", model="gpt-oss:120b")))
    await client.close()
    assert (failed.fault, failed.may_have_run) == ("unauthorized", False)
    assert b"a prompt" not in fake.bodies


async def test_the_key_shows_nowhere(
    fake: FakeOllama, cloud: OllamaCloudClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        fake.next(refusal(401, f"the key {_KEY} is not known"))
        failed = await fault(cloud.stream(call(model="gpt-oss:120b")))
        await collected(cloud.stream(call(model="gpt-oss:120b")))
    assert failed.fault == "unauthorized"
    assert _KEY not in f"{failed!r} {failed} {cloud!r} {caplog.text}"


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_a_key_that_cannot_be_one_is_refused_without_saying_it(key: str) -> None:
    with pytest.raises(ValueError, match="set it again") as refused:
        OllamaCloudClient(key)
    assert key not in str(refused.value)


async def test_a_redirect_is_not_followed_with_the_key(fake: FakeOllama, cloud: OllamaCloudClient) -> None:
    async with FakeOllama() as elsewhere:
        target = {"location": f"{elsewhere.url}/api/chat"}
        fake.next(refusal(307, "")._replace(headers=target))
        await fault(cloud.stream(call(model="gpt-oss:120b")))
        assert not elsewhere.seen


async def test_embeddings_are_not_asked_for(fake: FakeOllama, cloud: OllamaCloudClient) -> None:
    with pytest.raises(UpstreamError) as refused:
        await cloud.embed("bge-m3", ["text"])
    assert refused.value.fault == "model_not_found"
    assert not fake.seen


async def test_the_account_says_what_was_used_and_what_is_left(cloud: OllamaCloudClient) -> None:
    _, done = await collected(cloud.stream(call("word " * 200, model="gpt-oss:120b")))
    assert done.counts is not None
    usage = await cloud.usage("24h")
    assert usage.total.counts == done.counts
    assert usage.total.requests == 1
    assert usage.total.cost_microusd == round(done.counts.prompt * 0.15 + done.counts.completion * 0.60)
    assert [bucket.counts for bucket in usage.buckets] == [done.counts]
    assert usage.buckets[0].start is not None
    left = (await cloud.balance()).included_microusd
    assert left == 20_000_000 - usage.total.cost_microusd


@pytest.mark.parametrize("body", ["{}", '{"totals": [], "buckets": {}}', '{"totals": {"usage_usd": "soon"}}'])
async def test_an_account_page_of_another_shape_says_nothing_rather_than_zero(
    fake: FakeOllama, cloud: OllamaCloudClient, body: str
) -> None:
    other = refusal(200, "")._replace(body=body.encode())
    fake.next(other, path="/api/usage")
    fake.next(other, path="/api/balance")
    assert (await cloud.usage()).total.cost_microusd is None
    assert (await cloud.balance()).included_microusd is None
