"""Which ends of an answer speak of the server or its model, and which of the prompt alone."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from shared.proxy.routing.servers import ModelServer
from shared.types.model import Location, TokenCounts
from shared.upstreams.circuit import FAILURES
from shared.upstreams.port import Capabilities, Fault, ModelCall, ModelInfo, StreamEnd, TextDelta, UpstreamError


class Ending:
    """A server whose answers are these pieces, and then this fault."""

    location: Location = "local"
    capabilities = Capabilities()

    def __init__(self, pieces: list[str], fault: Fault) -> None:
        self._pieces = pieces
        self._fault = fault

    async def stream(self, call: ModelCall) -> AsyncGenerator[TextDelta | StreamEnd]:
        for piece in self._pieces:
            yield TextDelta(piece)
        raise UpstreamError(self._fault, "it ended", may_have_run=True)

    async def models(self) -> list[ModelInfo]:
        return []

    async def embed(self, model: str, texts: list[str]) -> tuple[list[list[float]], TokenCounts]:
        return [], TokenCounts()

    async def close(self) -> None:
        pass


ENDS: list[tuple[list[str], Fault, float, bool]] = [
    (["one", "two"], "broken", 60, False),
    (["the"] * 29, "broken", 60, False),
    (["the"] * 31, "broken", 60, True),
    (["\n", " "] * 20, "broken", 60, True),
    (["the"] * 31 + ["end"], "broken", 60, False),
    (["one"], "timeout", 0, True),
    (["one"], "timeout", 60, False),
    ([], "timeout", 0, False),
    (["one"], "failed", 0, False),
]


@pytest.mark.parametrize(("pieces", "fault", "timeout_s", "goes_on"), ENDS, ids=range(len(ENDS)))
async def test_what_a_prompt_provokes_closes_no_circuit(
    pieces: list[str], fault: Fault, timeout_s: float, goes_on: bool
) -> None:
    server = ModelServer("here", Ending(pieces, fault), timeout_s=60, queue_s=1)
    call = ModelCall(model="small", messages=(), max_output_tokens=1, timeout_s=timeout_s)
    for _ in range(FAILURES):
        with pytest.raises(UpstreamError, match=fault):
            async with aclosing(server.stream(call)) as events:
                async for event in events:
                    assert isinstance(event, TextDelta)
    assert server.circuits.closed("small") is goes_on
