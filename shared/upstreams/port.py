"""The need for a server that runs language models."""

from collections.abc import AsyncGenerator
from typing import Any, Literal, Protocol

from msgspec import Struct

from shared.types.document import Classification
from shared.types.errors import AegisError
from shared.types.model import FinishReason, Location, MessageRole, Sampling, TokenCounts, ToolCall, Tools

Fault = Literal[
    "refused",  # no connection: nothing was sent
    "timeout",  # no answer, or no further piece of one, in time
    "unauthorized",  # 401
    "payment",  # 402
    "forbidden",  # 403
    "model_not_found",  # 404, or a name that this upstream must not run
    "bad_request",  # any other 4xx: asking again the same way will not help
    "too_long",  # the prompt does not fit the model
    "rate_limited",  # 429 or a slot that never came free: later it may work
    "quota",  # 429 that says that the account's allowance is used up
    "overloaded",  # 502, 503, 504
    "failed",  # any other 5xx, or an error line in a stream
    "broken",  # the answer ended before it said that it was done
]


class UpstreamError(AegisError):
    """A call did not give a whole answer. `may_have_run` says that the server may have worked, and billed, for it;
    `counts` is what it said of that, where it did."""

    def __init__(
        self,
        fault: Fault,
        detail: str,
        *,
        may_have_run: bool,
        retry_after: int | None = None,
        counts: TokenCounts | None = None,
    ) -> None:
        super().__init__(f"{fault}: {detail}")
        self.fault = fault
        self.detail = detail
        self.may_have_run = may_have_run
        self.retry_after = retry_after
        self.counts = counts


class Capabilities(Struct, frozen=True):
    """`enforces_schema`: it gives nothing but what the schema allows. `concurrency`: calls at a time, the others wait
    at our side."""

    enforces_schema: bool = False
    concurrency: int = 1


class WireMessage(Struct, frozen=True):
    """A message as it goes over the wire. `pictures` are PNG or JPEG bytes. One of the role `tool` has the result of
    the call `tool_call_id` of the function `tool_name`."""

    role: MessageRole
    text: str
    pictures: tuple[bytes, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    tool_name: str = ""


class ModelCall(Struct, frozen=True, kw_only=True):
    """`max_output_tokens` is at least 1. `context_tokens` is the window the prompt and the answer have to fit in; None
    leaves it to the server. `timeout_s` bounds the whole call. `classification` is the highest of all that is in it; a
    call that does not say counts as confidential."""

    model: str
    messages: tuple[WireMessage, ...]
    max_output_tokens: int
    classification: Classification = "confidential"
    context_tokens: int | None = None
    schema: dict[str, Any] | None = None
    tools: Tools | None = None
    thinking: bool = False
    sampling: Sampling = Sampling()
    timeout_s: float = 120.0


class TextDelta(Struct, frozen=True):
    """Text as it is made."""

    text: str


class StreamEnd(Struct, frozen=True):
    """The end of a whole answer. `counts` is None where the server said nothing of them."""

    finish: FinishReason
    counts: TokenCounts | None
    tool_calls: tuple[ToolCall, ...] = ()


class ModelInfo(Struct, frozen=True):
    """`size` in bytes and `context_tokens` are 0 where the server does not say; `capabilities` are its own words
    (`completion`, `vision`, `tools`, `embedding`, `thinking`)."""

    name: str
    size: int = 0
    context_tokens: int = 0
    capabilities: tuple[str, ...] = ()


class Upstream(Protocol):
    """Methods raise `UpstreamError`. Leaving an iterator early ends the call at the server as far as it can be."""

    @property
    def location(self) -> Location: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def stream(self, call: ModelCall) -> AsyncGenerator[TextDelta | StreamEnd]:
        """Pieces, then exactly one `StreamEnd`."""
        ...

    async def models(self) -> list[ModelInfo]: ...

    async def embed(self, model: str, texts: list[str]) -> tuple[list[list[float]], TokenCounts]:
        """A vector a text, in order."""
        ...

    async def close(self) -> None: ...
