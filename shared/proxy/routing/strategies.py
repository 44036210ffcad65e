"""Where a task runs, and why there. Pure: the same facts and the same state always give the same decision.

What forbids the cloud is asked first, in this order: privacy, budget, latency, cloud unavailable. Only then may a
strategy prefer the cloud; where none does, a task runs locally.
"""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec
from msgspec import Struct

from shared.types.document import Classification
from shared.types.errors import AegisError
from shared.types.model import OLLAMA, OLLAMA_CLOUD, Complexity, Location, Quality, StrategyName, TaskKind

FAST_MS = 500
"""Who needs an answer sooner than this cannot wait for a way to the cloud and back."""

LARGE_MODEL_BYTES = 10_000_000_000
BUSY = 0.8
BATCH_PAGES = 10

Veto = Literal["privacy", "budget", "latency", "cloud_unavailable"]
Refusal = Literal["unknown_model", "local_unavailable", "privacy", "budget", "cloud_unavailable"]


class TaskFacts(Struct, frozen=True, kw_only=True):
    """What a task needs. `prompt_tokens` is an estimate; `model` is the one that its caller named."""

    kind: TaskKind = "generation"
    classification: Classification = "internal"
    quality: Quality = "standard"
    complexity: Complexity = "simple"
    max_latency_ms: int | None = None
    pages: int = 0
    prompt_tokens: int = 0
    model: str | None = None


class RoutingState(Struct, frozen=True, kw_only=True):
    """How things stand at the moment of the decision.

    `cloud_allowed` is the tenant's setting. `budget_ok` turns false when a reservation was refused, or when the cloud
    model has no price. `gpu_busy` is a share of 1. Latencies are medians of late. `local_context_tokens` is the largest
    prompt that the local model takes. None: not known. `named_location` is where the model is that the caller named;
    None where no server has it. `named_server` is the server's name.
    """

    local_model: str = "local"
    cloud_model: str = "cloud"
    local_available: bool = True
    local_model_bytes: int | None = None
    local_context_tokens: int | None = None
    local_latency_ms: int | None = None
    gpu_busy: float | None = None
    cloud_configured: bool = False
    cloud_allowed: bool = True
    circuit_open: bool = False
    budget_ok: bool = True
    cloud_latency_ms: int | None = None
    named_location: Location | None = None
    named_server: str = ""


class RoutingDecision(Struct, frozen=True):
    """`location` is None where there is no model to run the task. `vetoes` are all that hold, the first one counts.
    `server` names the one server that the decision was made for, at that location."""

    location: Location | None
    model: str
    reason: str
    strategy: StrategyName
    vetoes: tuple[Veto, ...] = ()
    server: str = ""

    def rerouted(self, cause: str) -> "RoutingDecision":
        """The same decision, with the cause of the fallback that led to it as its reason."""
        return msgspec.structs.replace(self, reason=f"fallback_{cause}")


class NamedModelRefused(AegisError):
    """The model that the caller named cannot run this task, and no other answers in its place."""

    def __init__(self, model: str, why: Refusal) -> None:
        super().__init__(f"the model {model!r} was named and cannot run: {_REFUSALS[why]}")
        self.model = model
        self.why = why


_REFUSALS: dict[Refusal, str] = {
    "unknown_model": "no server that we may use has it",
    "local_unavailable": "the local server does not answer",
    "privacy": "it is in the cloud, where this task's content may not go",
    "budget": "it is in the cloud, and the budget does not allow the call",
    "cloud_unavailable": "the cloud does not answer at the moment",
}


def decide(facts: TaskFacts, state: RoutingState, strategy: StrategyName = "hybrid") -> RoutingDecision:
    """Raises `NamedModelRefused`."""
    vetoes = tuple(vetoes_of(facts, state))
    if facts.model is not None:
        return _named(facts.model, state, strategy, vetoes)
    if vetoes or not state.cloud_configured:
        return _local_or_none(state, strategy, vetoes, vetoes[0] if vetoes else "default")
    if not state.local_available:
        return _cloud(state, "fallback_local_unavailable", strategy)
    if reason := STRATEGIES[strategy](facts, state):
        return _cloud(state, reason, strategy)
    if state.local_context_tokens is not None and facts.prompt_tokens > state.local_context_tokens:
        return _cloud(state, "fallback_local_context", strategy)
    return _local_or_none(state, strategy, (), "default")


def vetoes_of(facts: TaskFacts, state: RoutingState) -> Iterator[Veto]:
    """Each one alone keeps the task out of the cloud."""
    if facts.classification == "confidential" or not state.cloud_allowed:
        yield "privacy"
    if not state.budget_ok:
        yield "budget"
    if facts.max_latency_ms is not None and facts.max_latency_ms < FAST_MS:
        yield "latency"
    if state.circuit_open:
        yield "cloud_unavailable"


def cost_optimized(_: TaskFacts, __: RoutingState) -> str | None:
    """Nothing is worth the cloud's price while the local server answers."""
    return None


def quality_optimized(facts: TaskFacts, _: RoutingState) -> str | None:
    """Whatever does not ask for a fast answer gets the large model."""
    return None if facts.quality == "fast" else "quality"


def latency_optimized(_: TaskFacts, state: RoutingState) -> str | None:
    """Where answers came sooner of late; while that is not known, a busy GPU speaks for the cloud."""
    if state.local_latency_ms is not None and state.cloud_latency_ms is not None:
        return "latency" if state.cloud_latency_ms < state.local_latency_ms else None
    return "gpu_busy" if _is_busy(state) else None


def hybrid(facts: TaskFacts, state: RoutingState) -> str | None:
    """Prefers the cloud for large models, hard questions that need not be fast, a full GPU and long documents."""
    if (state.local_model_bytes or 0) > LARGE_MODEL_BYTES:
        return "model_size"
    if facts.complexity == "complex" and facts.quality != "fast":
        return "quality"
    if _is_busy(state):
        return "gpu_busy"
    if facts.kind == "extraction" and facts.pages > BATCH_PAGES:
        return "batch"
    return None


STRATEGIES: dict[StrategyName, Callable[[TaskFacts, RoutingState], str | None]] = {
    "cost_optimized": cost_optimized,
    "quality_optimized": quality_optimized,
    "latency_optimized": latency_optimized,
    "hybrid": hybrid,
}
"""Why a task that may go to the cloud should go there; None: it should not."""


def recorded(facts: TaskFacts, state: RoutingState, decision: RoutingDecision) -> dict[str, Any]:
    """Returns the decision with its facts and state, for the usage ledger."""
    return {"facts": facts, "state": state, "decision": decision}


def _is_busy(state: RoutingState) -> bool:
    return state.gpu_busy is not None and state.gpu_busy > BUSY


def _cloud(state: RoutingState, reason: str, strategy: StrategyName) -> RoutingDecision:
    return RoutingDecision("cloud", state.cloud_model, reason, strategy, server=OLLAMA_CLOUD)


def _local_or_none(
    state: RoutingState, strategy: StrategyName, vetoes: tuple[Veto, ...], reason: str
) -> RoutingDecision:
    if state.local_available:
        return RoutingDecision("local", state.local_model, reason, strategy, vetoes, OLLAMA)
    return RoutingDecision(None, "", "no_model", strategy, vetoes)


def _named(model: str, state: RoutingState, strategy: StrategyName, vetoes: tuple[Veto, ...]) -> RoutingDecision:
    """The caller chose; what it costs in time is the caller's affair, so latency forbids nothing."""
    if state.named_location is None or (state.named_location == "cloud" and not state.cloud_configured):
        raise NamedModelRefused(model, "unknown_model")
    if state.named_location == "local":
        if not state.local_available:
            raise NamedModelRefused(model, "local_unavailable")
        return RoutingDecision("local", model, "default", strategy, vetoes, state.named_server)
    for veto in vetoes:
        if veto != "latency":
            raise NamedModelRefused(model, veto)
    return RoutingDecision("cloud", model, "default", strategy, vetoes, state.named_server)
