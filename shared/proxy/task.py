"""What a caller wants of a language model, and what comes back. A task says what it needs, not where it runs."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from shared.types.document import Classification, higher
from shared.types.model import (
    Complexity,
    FinishReason,
    Location,
    MessageRole,
    Quality,
    Sampling,
    StrategyName,
    TaskKind,
    TokenCounts,
    ToolCall,
    Tools,
)
from shared.types.money import usd
from shared.types.payer import Payer
from shared.types.usage import Usage


class Part(Struct, frozen=True):
    """A piece of a prompt with its class. `ours` marks instructions of our own making; whatever comes from documents,
    questions and earlier turns is not, and its control tokens are made harmless before it leaves."""

    text: str
    classification: Classification = "public"
    ours: bool = False


class Picture(Struct, frozen=True):
    """A picture's bytes as PNG or JPEG."""

    content: bytes
    classification: Classification


class PromptMessage(Struct, frozen=True):
    """A message of a prompt. One of the role `tool` has the result of the call `tool_call_id`."""

    role: MessageRole
    parts: tuple[Part, ...]
    pictures: tuple[Picture, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    tool_name: str = ""

    @property
    def text(self) -> str:
        return "".join(part.text for part in self.parts)


class LLMTask(Struct, frozen=True, kw_only=True):
    """`classification` is the request's own: it can raise the task's class, never lower it. `max_output_tokens` is at
    least 1; with `takes_room` the answer may be longer, as far as the model's window and the budget go. `model` names
    an upstream's model: the task runs where that model is, or nowhere. `passages` are the ids and scores (in
    millionths) of what its prompt was made from, for the usage ledger; `on_remaining` receives what is left
    (micro-dollars, None: no limit) once the task's cost is settled."""

    kind: TaskKind
    payer: Payer
    messages: tuple[PromptMessage, ...]
    classification: Classification = "public"
    schema: dict[str, Any] | None = None
    tools: Tools | None = None
    quality: Quality = "standard"
    complexity: Complexity = "simple"
    max_latency_ms: int | None = None
    pages: int = 0
    max_output_tokens: int = 1024
    takes_room: bool = False
    max_cost_microusd: int | None = None
    thinking: bool = False
    model: str | None = None
    sampling: Sampling = Sampling()
    passages: tuple[tuple[str, int], ...] = ()
    on_remaining: Callable[[int | None], None] = lambda remaining: None

    @property
    def highest_class(self) -> Classification:
        """Of the request and of everything in its prompt."""
        found = self.classification
        for message in self.messages:
            for part in message.parts:
                found = higher(found, part.classification)
            for picture in message.pictures:
                found = higher(found, picture.classification)
        return found


class Execution(Struct, frozen=True):
    """Where a task ran, and why there. `reason` is one of the contract's words, or `fallback_` and what went wrong."""

    location: Location
    model: str
    strategy: StrategyName
    reason: str


class LLMResult(Struct, frozen=True):
    """`data` is what the schema asked for, validated; `finish` is `length` where the answer was cut at its limit."""

    text: str
    execution: Execution
    counts: TokenCounts
    cost_microusd: int = 0
    estimated: bool = False
    finish: FinishReason = "stop"
    data: Any = None
    tool_calls: tuple[ToolCall, ...] = ()

    @property
    def usage(self) -> Usage:
        counts = self.counts
        return Usage(
            prompt_tokens=counts.prompt,
            completion_tokens=counts.completion,
            cached_tokens=counts.cached,
            cost_usd=usd(self.cost_microusd),
            estimated=self.estimated,
        )


class Token(Struct, frozen=True):
    """A piece of an answer on its way. `begins`: it is the first of a call, and what came before it, if anything, is of
    one that broke off."""

    text: str
    begins: bool = False
