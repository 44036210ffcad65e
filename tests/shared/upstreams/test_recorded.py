"""The clients live through every exchange that was recorded with a real server."""

from collections.abc import AsyncIterator

import pytest

from shared.upstreams.calling import Timeouts
from shared.upstreams.ollama import OllamaClient
from shared.upstreams.openai import OpenAICompatible
from shared.upstreams.port import Capabilities, Fault, UpstreamError
from tests.ollama import FakeOllama, Recorded, recordings
from tests.shared.upstreams.streams import call, collected

_IMPATIENT = Timeouts(first_byte_s=0.2, between_s=0.2)

_FAULTS: dict[str, Fault] = {
    "033-format-bad": "bad_request",
    "033b-format-bad-stream": "bad_request",
    "034-format-badschema": "bad_request",
    "035-format-array": "bad_request",
    "040-opt-badtype": "bad_request",
    "050-keepalive-neg1str": "bad_request",
    "053-keepalive-bad": "bad_request",
    "060-think-True": "bad_request",
    "060-think-bogus": "bad_request",
    "060-think-high": "bad_request",
    "061-gen-think-true": "bad_request",
    "062-tools": "bad_request",
    "063-tools-stream": "bad_request",
    "064-suffix": "bad_request",
    "072b-embed-badtype": "bad_request",
    "072c-embed-mixed": "bad_request",
    "080-unknown-generate": "model_not_found",
    "081-unknown-chat": "model_not_found",
    "081b-unknown-chat-stream": "model_not_found",
    "082-unknown-embed": "model_not_found",
    "083-malformed": "bad_request",
    "083b-malformed": "bad_request",
    "084-emptybody": "bad_request",
    "085-no-model": "model_not_found",
    "085b-chat-no-model": "bad_request",
    "086-wrongtype": "bad_request",
    "087-bad-name": "bad_request",
    "088-method": "bad_request",
    "089b-options": "bad_request",
    "089e-cloud": "forbidden",
    "105-v1-chat-unknown": "model_not_found",
    "105b-v1-chat-unknown-stream": "model_not_found",
    "106-v1-malformed": "bad_request",
    "106b-v1-nomessages": "bad_request",
    "106c-v1-empty": "bad_request",
    "109-v1-tools": "bad_request",
    "110-v1-reasoning": "bad_request",
    "117-v1-images-url": "bad_request",
    "120-long-generate-stream-truncfalse": "too_long",
    "120-long-generate-truncfalse": "too_long",
    "121c-long-chat-truncfalse": "too_long",
    "127b-embed-long-truncfalse": "too_long",
    "129-tokenrepeat-False": "broken",
    "129-tokenrepeat-True": "broken",
    "129b-tokenrepeat-v1-stream": "broken",
    "129c-tokenrepeat-v1": "broken",
    "131-disconnect-stream": "timeout",
    "132-disconnect-nonstream": "timeout",
    "150-kill-runner-stream": "failed",
    "151-kill-runner-nonstream": "failed",
    "155-kill-v1-stream": "broken",
    "160-sigterm-midstream": "broken",
    "173-disconnect-prefill": "timeout",
    "175-disconnect-queued": "timeout",
}
_NOTHING_RAN: tuple[Fault, ...] = ("bad_request", "model_not_found", "forbidden", "too_long")

_CHATS = [
    one
    for one in recordings().values()
    if one.path == "/api/chat" or (one.path == "/api/generate" and one.name in _FAULTS)
]
"""A server reports the faults of a plain prompt as it does those of a chat."""

_COMPLETIONS = [one for one in recordings().values() if one.path == "/v1/chat/completions"]


@pytest.fixture
async def fake() -> AsyncIterator[FakeOllama]:
    async with FakeOllama() as running:
        yield running


def _timeouts(recorded: Recorded) -> Timeouts:
    return _IMPATIENT if _FAULTS.get(recorded.name) == "timeout" else Timeouts()


def _check_fault(recorded: Recorded, error: UpstreamError) -> None:
    assert error.fault == _FAULTS[recorded.name]
    assert error.may_have_run is (error.fault not in _NOTHING_RAN)


@pytest.mark.parametrize("recorded", _CHATS, ids=lambda one: one.name)
async def test_a_recorded_answer_is_whole_with_its_counts_or_a_fault(fake: FakeOllama, recorded: Recorded) -> None:
    fake.replay(recorded.name)
    client = OllamaClient(fake.url, timeouts=_timeouts(recorded))
    try:
        text, done = await collected(client.stream(call()))
    except UpstreamError as error:
        _check_fault(recorded, error)
        return
    finally:
        await client.close()
    last = recorded.lines[-1]
    assert recorded.name not in _FAULTS
    assert text == recorded.text
    assert done.finish == ("length" if last["done_reason"] == "length" else "stop")
    assert done.counts is not None
    assert done.counts.prompt == last.get("prompt_eval_count", 0)
    assert done.counts.completion == last.get("eval_count", 0)


@pytest.mark.parametrize("recorded", _COMPLETIONS, ids=lambda one: one.name)
async def test_a_recorded_completion_is_whole_with_its_counts_or_a_fault(fake: FakeOllama, recorded: Recorded) -> None:
    fake.replay(recorded.name)
    client = OpenAICompatible(fake.url, "local", capabilities=Capabilities(enforces_schema=True))
    try:
        text, done = await collected(client.stream(call()))
    except UpstreamError as error:
        _check_fault(recorded, error)
        return
    finally:
        await client.close()
    assert recorded.name not in _FAULTS
    assert text
    if b'"usage"' in recorded.body:
        assert done.counts is not None
        assert f'"prompt_tokens":{done.counts.prompt}'.encode() in recorded.body
        assert f'"completion_tokens":{done.counts.completion}'.encode() in recorded.body
    else:
        assert done.counts is None


@pytest.mark.parametrize(
    "recorded", [one for one in recordings().values() if one.path == "/api/embed"], ids=lambda one: one.name
)
async def test_recorded_vectors_come_in_their_own_width_or_not_at_all(fake: FakeOllama, recorded: Recorded) -> None:
    fake.replay(recorded.name)
    client = OllamaClient(fake.url)
    given = recorded.question["input"]
    texts = given if isinstance(given, list) else [given]
    try:
        vectors, counts = await client.embed("smol", [str(text) for text in texts])
    except UpstreamError as error:
        _check_fault(recorded, error)
        return
    finally:
        await client.close()
    assert len(vectors) == len(texts)
    if texts:
        assert counts.prompt == recorded.lines[0]["prompt_eval_count"]
        assert {len(vector) for vector in vectors} == {recorded.question.get("dimensions", 576)}


@pytest.mark.parametrize("name", ["004-tags", "095-auth-ignored"])
async def test_the_recorded_models_are_listed_with_what_their_pages_say(fake: FakeOllama, name: str) -> None:
    fake.replay(name, path="/api/tags")
    fake.replay("006-show", "006-show", "006-show", path="/api/show")
    client = OllamaClient(fake.url)
    models = await client.models()
    await client.close()
    assert [model.name for model in models] == ["smol:latest", "smol2:latest", "smol-cli:latest"]
    assert {model.context_tokens for model in models} == {8192}
    assert models[0].size == 98_363_007
    assert models[0].capabilities == ("completion",)


async def test_the_recorded_openai_routes_are_read(fake: FakeOllama) -> None:
    client = OpenAICompatible(fake.url, "local")
    fake.replay("100-v1-models", path="/v1/models")
    fake.replay("111-v1-embeddings")
    assert [model.name for model in await client.models()] == ["smol:latest", "smol2:latest", "smol-cli:latest"]
    vectors, counts = await client.embed("smol", ["hello", "world"])
    assert [len(vector) for vector in vectors] == [576, 576]
    assert counts.prompt == 2
    await client.close()


async def test_vectors_for_another_number_of_texts_are_refused(fake: FakeOllama) -> None:
    fake.replay("070-embed-str")
    client = OllamaClient(fake.url)
    with pytest.raises(UpstreamError, match="1 vectors of widths"):
        await client.embed("smol", ["one", "two"])
    await client.close()


def test_no_recorded_fault_is_left_untried() -> None:
    tried = {one.name for one in recordings().values() if one.path == "/api/embed" or one in _CHATS + _COMPLETIONS}
    assert set(_FAULTS) <= tried
