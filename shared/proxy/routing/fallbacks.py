"""What follows when a task did not get its answer where it was sent: somewhere else, or a clear refusal."""

from msgspec import Struct
from msgspec.structs import replace

from shared.proxy.budget.operations import CloudForbidden
from shared.proxy.execution.call_accounting import BudgetWithdrawn, OverBudget
from shared.proxy.routing.strategies import NamedModelRefused, RoutingDecision, RoutingState
from shared.types.errors import (
    AegisError,
    BudgetExceeded,
    ContextLengthExceeded,
    Forbidden,
    InvalidRequest,
    ModelNotFound,
    Problem,
    RateLimited,
    StoreUnavailable,
    Unavailable,
)
from shared.upstreams.port import Fault, UpstreamError

_CAUSES: dict[Fault, str] = {
    "refused": "cloud_unavailable",
    "timeout": "timeout",
    "unauthorized": "unauthorized",
    "payment": "payment",
    "forbidden": "forbidden",
    "model_not_found": "model_not_found",
    "bad_request": "bad_request",
    "too_long": "context",
    "rate_limited": "rate_limit",
    "quota": "quota",
    "overloaded": "overloaded",
    "failed": "cloud_unavailable",
    "broken": "broken",
}


class NoModel(AegisError):
    """No model runs the task: the caller does without. `reason` is `no_model` where there is none, else `fallback_`
    and what went wrong with the last one."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no language model ran this task ({reason})")
        self.reason = reason


class PromptTooLong(AegisError):
    """No model here reads a prompt of this length."""


class Fallback(Struct, frozen=True):
    """`failed` is the decision that gave no answer, `cause` a word for `execution.reason`, `state_changes` what the
    next decision starts from."""

    failed: RoutingDecision
    cause: str
    state_changes: dict[str, bool | int]

    @property
    def reason(self) -> str:
        return f"fallback_{self.cause}"

    def applied_to(self, state: RoutingState) -> RoutingState:
        """The state in which the next decision leads elsewhere."""
        return replace(state, **self.state_changes)

    def explains(self, decision: RoutingDecision) -> bool:
        """Whether the next decision's reason has to name the cause. Vetoes have reasons of their own."""
        return self.cause not in ("budget", "privacy") and decision.location != self.failed.location


def fallback_of(decision: RoutingDecision, error: Exception) -> Fallback:
    """Raises `PromptTooLong`, which only the caller can mend."""
    if isinstance(error, (OverBudget, BudgetWithdrawn)):
        return Fallback(decision, "budget", {"budget_ok": False})
    if isinstance(error, CloudForbidden):
        return Fallback(decision, "privacy", {"cloud_allowed": False})
    if isinstance(error, StoreUnavailable):
        return Fallback(decision, "counters", {"circuit_open": True})
    if isinstance(error, UpstreamError):
        return _after(decision, error)
    return _away(decision, "schema")


def refused(model: str, error: Exception) -> Problem:
    """For a task whose caller named its model: no other answers in its place."""
    match error:
        case NamedModelRefused(why="unknown_model") | UpstreamError(fault="model_not_found"):
            return ModelNotFound(f"No server here has the model {model!r}; GET /v1/models lists those there are.")
        case NamedModelRefused(why="privacy") | CloudForbidden():
            return Forbidden(f"{model} is in the cloud, and this content may not leave.")
        case NamedModelRefused(why="budget"):
            return BudgetExceeded(f"{model} is in the cloud, and the budget does not allow the call.")
        case NamedModelRefused():
            return Unavailable(f"The server of {model} takes no calls at the moment.", retry_after=5)
        case OverBudget() | BudgetWithdrawn():
            return BudgetExceeded(str(error))
        case UpstreamError(fault="rate_limited" | "quota"):
            wait = error.retry_after or 10
            return RateLimited(f"The server of {model} takes no more calls at the moment.", retry_after=wait)
        case UpstreamError(fault="too_long"):
            detail = f"the prompt is longer than {model} reads ({error.detail[:200]})"
            return ContextLengthExceeded.at("/messages", detail)
        case UpstreamError(fault="bad_request"):
            return InvalidRequest(f"The server of {model} refuses the request: {error.detail[:300]}")
        case UpstreamError():
            return Unavailable(f"The server of {model} gave no whole answer ({error.fault}).", retry_after=5)
        case StoreUnavailable():
            return Unavailable("The budget cannot be asked at the moment, so nothing is spent.", retry_after=2)
        case _:
            return Unavailable(f"{model} gave no answer that fits ({error}).", retry_after=5)


def _after(decision: RoutingDecision, error: UpstreamError) -> Fallback:
    if error.fault == "too_long":
        if decision.location == "cloud":
            raise PromptTooLong(error.detail) from error
        return Fallback(decision, "context", {"local_available": False})
    if decision.location == "local":
        return _away(decision, "local_unavailable")
    return _away(decision, _CAUSES[error.fault])


def _away(decision: RoutingDecision, cause: str) -> Fallback:
    change = "local_available" if decision.location == "local" else "circuit_open"
    return Fallback(decision, cause, {change: change == "circuit_open"})
