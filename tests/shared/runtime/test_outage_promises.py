"""Whatever is answered 503 leaves its cause in the log: the store, the operation, the reason, the wait, the request."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec import Struct

from shared.redis.connection import over_url
from shared.types.errors import StoreUnavailable, Unavailable
from shared.types.http import EventStream, ServerSentEvent
from tests.functions.failed.test_dead_letters import away
from tests.pipeline.suite import Suite
from tests.shared.runtime.odd import Serve

NOBODY = "redis://127.0.0.1:9/0"


class Ask(Struct, frozen=True):
    name: str = ""


async def at_once(request: Ask) -> None:
    await over_url(NOBODY).call("GET", "a")


async def translated(request: Ask) -> None:
    try:
        await over_url(NOBODY).call("GET", "a")
    except StoreUnavailable as error:
        raise Unavailable("The model `x` cannot be reached.", retry_after=7) from error


async def streamed(request: Ask) -> EventStream:
    async def events() -> AsyncIterator[ServerSentEvent]:
        yield ServerSentEvent("stage", {"n": 1}, "1")
        await over_url(NOBODY).call("GET", "a")

    return EventStream(events())


def warnings(caplog: pytest.LogCaptureFixture, message: str) -> list[dict[str, Any]]:
    return [vars(line) for line in caplog.records if line.levelname == "WARNING" and message in line.getMessage()]


@pytest.mark.parametrize("on", ["GET /thing", "GET /v1/thing"])
@pytest.mark.parametrize(("handle", "retry_after"), [(at_once, 2), (translated, 7), (streamed, 2)])
async def test_a_503_over_http_leaves_its_cause(
    on: str, handle: Any, retry_after: int, serve_at: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve_at(on, handle) as client:
        answer = await client.get(on.partition(" ")[2])
    assert answer.status_code == 503 or "store-unavailable" in answer.text or "unavailable" in answer.text
    (line,) = warnings(caplog, "answered 503")
    assert line["store"] == "counters"
    assert line["operation"].endswith("RedisClient.call")
    assert line["operation"] != "RedisClient.call", "what asked the store"
    assert "does not answer" in line["reason"]
    assert line["waited_ms"] >= 0
    assert line["retry_after"] == retry_after
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["function"] == "thing"


async def test_a_503_to_an_event_leaves_its_cause(suite: Suite, caplog: pytest.LogCaptureFixture) -> None:
    suite.workshop.happens["chunk"] = away
    await suite.upload("a text")
    await suite.run_dry()
    line = warnings(caplog, "answered 503")[0]
    assert (line["store"], line["reason"], line["function"]) == ("vectors", "the index is away", "chunk")
    assert line["operation"] and line["request_id"] and line["retry_after"] == 2
