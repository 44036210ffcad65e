"""The terms of a call to a language model: tokens and sampling."""

from typing import Any, Literal

from msgspec import Struct

Location = Literal["local", "cloud"]
AnswerLocation = Literal["local", "cloud", "extractive"]
"""Where an answer comes from: `extractive` is without a model."""
Quality = Literal["fast", "standard", "high"]
Complexity = Literal["simple", "complex"]
TaskKind = Literal["generation", "extraction", "vision"]
KINDS: tuple[TaskKind, ...] = ("generation", "extraction", "vision")
OLLAMA, OLLAMA_CLOUD = "ollama", "ollama_cloud"
"""The names of our own two servers; others have theirs from the proxy's file."""

StrategyName = Literal["cost_optimized", "quality_optimized", "latency_optimized", "hybrid"]


class TokenCounts(Struct, frozen=True):
    """Tokens as the server that ran the model counted them; `cached` ones are among `prompt`."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0


MessageRole = Literal["system", "user", "assistant", "tool"]

FinishReason = Literal["stop", "length", "tool_calls"]
"""Why an answer ended: `length` at its limit, `tool_calls` where its caller is to run functions and ask again."""


class ToolCall(Struct, frozen=True):
    """A model asks its caller to run a function. `arguments` is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


class Tools(Struct, frozen=True):
    """Functions that a model may ask its caller to run, in OpenAI's format; with `required` it has to, and with `name`
    that one. `parallel` False: one at a time, where the server knows that."""

    functions: tuple[dict[str, Any], ...]
    choice: Literal["none", "auto", "required"] = "auto"
    name: str = ""
    parallel: bool | None = None


class Sampling(Struct, frozen=True):
    """How a model chooses its words; None leaves it to the model."""

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


Rating = Literal["up", "down"]
"""A reader's judgement of an answer."""
