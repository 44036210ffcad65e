"""The fake answers recorded requests as the recorded server did: statuses, headers, pieces, keys and kinds."""

import asyncio
import json
from typing import Any, NamedTuple

import pytest

from tests.ollama import Asked, FakeOllama, Model, Recorded, recordings

_LEFT_OUT = {
    "066-logprobs": "nothing of ours asks for logprobs",
    "074-embeddings-legacy": "an old route",
    "101-v1-model": "one model's page is not asked for",
    "101b-v1-model-unknown": "one model's page is not asked for",
    "111b-v1-embeddings-b64": "floats are asked for",
    "111c-v1-embeddings-empty": "nothing empty is embedded",
    "112-v1-completions": "an old route",
    "112b-v1-completions-stream": "an old route",
    "007b-status": "not asked for",
    "089b-options": "a page's question",
    "150-kill-runner-stream": "the runner was killed",
    "151-kill-runner-nonstream": "the runner was killed",
    "155-kill-v1-stream": "the runner was killed",
    "129-tokenrepeat-True": "the model repeated itself",
    "129-tokenrepeat-False": "the model repeated itself",
    "129b-tokenrepeat-v1-stream": "the model repeated itself",
    "129c-tokenrepeat-v1": "the model repeated itself",
    "160-sigterm-midstream": "the server was stopped",
}
_EXPECTED = [one for one in recordings().values() if one.status and not one.left and one.name not in _LEFT_OUT]

_COUNTED_ALIKE = ("010", "015", "020", "022", "030", "031", "032", "040", "060", "102", "104", "140", "171", "176")
"""Prompts of plain words, which the fake counts as the recorded model's tokenizer does."""

_MADE_ALIKE = (
    "020-chat",
    "021-chat-repeat",
    "022-chat-stream",
    "102-v1-chat",
    "032-format-schema-cut",
)

_SHORTER = ("006-show", "120-long-generate")
"""The fake has less to say, so that it still fits in one piece."""


class _Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    chunks: list[bytes] | None
    body: bytes


async def _asked(fake: FakeOllama, recorded: Recorded) -> _Answer:
    reader, writer = await asyncio.open_connection("127.0.0.1", fake.port)
    headers = "".join(f"{name}: {value}\r\n" for name, value in recorded.asked_headers.items())
    writer.write(f"{recorded.method} {recorded.path} HTTP/1.1\r\n{headers}\r\n".encode() + recorded.asked)
    head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    line, *named = head.decode().split("\r\n")
    text = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in named)}
    chunks = list(_chunks(rest)) if text.get("transfer-encoding") == "chunked" else None
    return _Answer(int(line.split()[1]), text, chunks, b"".join(chunks) if chunks is not None else rest)


def _chunks(rest: bytes) -> list[bytes]:
    found: list[bytes] = []
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if int(size, 16) == 0:
            assert rest == b"\r\n"
            return found
        found.append(rest[: int(size, 16)])
        rest = rest[int(size, 16) + 2 :]


def _as_recorded(recorded: Recorded) -> str:
    """The words that the recorded model said."""
    if recorded.path.startswith("/v1/"):
        values = [json.loads(one) for one in _events(recorded.body)]
        choices = [choice for value in values for choice in value.get("choices", [])]
        return "".join((choice.get("delta") or choice.get("message") or {}).get("content", "") for choice in choices)
    return recorded.text if recorded.content_type.startswith(("application/json", "application/x-ndjson")) else ""


def _events(body: bytes) -> list[bytes]:
    lines = [line.removeprefix(b"data: ") for line in body.splitlines() if line.strip()]
    return [line for line in lines if line != b"[DONE]"]


def _shape(value: Any) -> Any:
    """Keys in their order and kinds of values; of a list the kinds in it."""
    if isinstance(value, dict):
        return [(name, _shape(inner)) for name, inner in value.items() if name not in _UNSTEADY]
    if isinstance(value, list):
        return sorted({json.dumps(_shape(inner)) for inner in value})
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


_UNSTEADY = ("context", "modelfile", "model_info", "parameters", "tensors")


@pytest.mark.parametrize("recorded", _EXPECTED, ids=lambda one: one.name)
async def test_the_fake_answers_as_the_recorded_server_did(recorded: Recorded) -> None:
    def answer(asked: Asked) -> str:
        return _as_recorded(recorded)

    names = ("smol", "smol2", "smol-cli")
    async with FakeOllama(*(Model(name, answer=answer) for name in names)) as fake:
        if "loaded" in recorded.name or ("-ps" in recorded.name and "empty" not in recorded.name):
            fake.load(fake.models["smol2" if recorded.name == "176b-ps" else "smol"], 4096)
        found = await _asked(fake, recorded)
    assert found.status == recorded.status
    assert found.headers.get("content-type", "") == recorded.content_type
    if recorded.name not in _SHORTER:
        assert (found.chunks is None) == (recorded.chunks is None)
    if recorded.method == "HEAD" or recorded.status == 403 or "text/plain" in recorded.content_type:
        assert found.body == recorded.body
        return
    ours, theirs = _events(found.body), _events(recorded.body)
    assert _shape(json.loads(ours[0])) == _shape(json.loads(theirs[0]))
    assert _shape(json.loads(ours[-1])) == _shape(json.loads(theirs[-1]))
    _check_counts(recorded, json.loads(ours[-1]), json.loads(theirs[-1]))


def _check_counts(recorded: Recorded, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    if recorded.name.startswith(_COUNTED_ALIKE):
        assert ours.get("prompt_eval_count") == theirs.get("prompt_eval_count")
        assert (ours.get("usage") or {}).get("prompt_tokens") == (theirs.get("usage") or {}).get("prompt_tokens")
    if recorded.name in _MADE_ALIKE:
        assert ours.get("eval_count") == theirs.get("eval_count")
        assert ours.get("done_reason") == theirs.get("done_reason")
    if recorded.status != 200:
        assert _words(ours) == _words(theirs)


def _words(answer: dict[str, Any]) -> str:
    """Of an error, up to what differs with the parser that found it."""
    error = answer["error"]
    return str(error["message"] if isinstance(error, dict) else error).partition("character")[0]


async def test_a_call_waits_without_a_header_until_a_slot_is_free() -> None:
    async with FakeOllama(Model("smol", answer=lambda asked: "word " * 10), seconds_per_token=0.01) as fake:
        chat = recordings()["022-chat-stream"]
        await asyncio.gather(*(_asked(fake, chat) for _ in range(3)))
        assert fake.most_running == 1
    async with FakeOllama(Model("smol", answer=lambda asked: "word " * 10), parallel=3, seconds_per_token=0.01) as fake:
        await asyncio.gather(*(_asked(fake, chat) for _ in range(3)))
        assert fake.most_running == 3


async def test_a_caller_that_hangs_up_stops_the_model_and_frees_the_slot() -> None:
    async with FakeOllama(Model("smol", answer=lambda asked: "word " * 1000), seconds_per_token=0.01) as fake:
        body = b'{"model": "smol", "prompt": "x"}'
        _, writer = await asyncio.open_connection("127.0.0.1", fake.port)
        writer.write(b"POST /api/generate HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await fake.until(lambda one: one.running == 1)
        writer.close()
        await fake.until(lambda one: one.stopped == 1)
        assert fake.running == 0


async def test_a_chat_longer_than_its_window_loses_its_oldest_messages_without_a_word() -> None:
    on_remaining: list[Asked] = []

    def answer(asked: Asked) -> str:
        on_remaining.append(asked)
        return "yes"

    async with FakeOllama(Model("smol", answer=answer)) as fake:
        cut = await _asked(fake, recordings()["121-long-chat-trunc"])
        full = await _asked(fake, recordings()["121b-long-chat-full"])
    assert len(on_remaining[0].messages) < len(on_remaining[1].messages)
    assert on_remaining[0].messages == on_remaining[1].messages[-len(on_remaining[0].messages) :]
    assert json.loads(cut.body)["prompt_eval_count"] <= 256 < json.loads(full.body)["prompt_eval_count"]
