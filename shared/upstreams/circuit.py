"""When a server, or one of its models, is left alone for a while, and how it comes back."""

import time
from collections.abc import Callable
from typing import Literal, assert_never

from msgspec import Struct
from msgspec.structs import replace

from shared.upstreams.port import Fault

FAILURES = 5
"""In a row, of a kind that speaks of the server and not of the call."""

FIRST_S = 30.0
LONGEST_S = 300.0
REFUSAL_S = 900.0
"""How long a refusal of our account, or of one model, holds where the server does not say until when."""

MISSING_S = 60.0
"""How long a model is not asked for after its server said that it does not have it."""

PROBE_S = 120.0
"""A probe of which nothing is heard for so long is forgotten, and another may go."""

_COUNTED: frozenset[Fault] = frozenset({"refused", "timeout", "overloaded", "failed", "broken"})
_AT_ONCE: dict[Fault, float] = {
    "quota": REFUSAL_S,
    "unauthorized": REFUSAL_S,
    "payment": REFUSAL_S,
    "forbidden": REFUSAL_S,
    "model_not_found": MISSING_S,
}
"""Refusals that open a circuit at once, and for how long."""

_OF_A_MODEL: frozenset[Fault] = frozenset({"forbidden", "model_not_found", "broken"})
"""Faults of the model that was asked for; its server answers for its other models."""

Phase = Literal["closed", "open", "probing"]


class CircuitState(Struct, frozen=True):
    """`until` is when an open circuit lets a probe through, or when a probe is given up; `tries` counts how often in a
    row it opened, `reason` is the fault that opened it."""

    phase: Phase = "closed"
    failures: int = 0
    tries: int = 0
    until: float = 0.0
    reason: Fault | None = None

    def lets_through(self, now: float) -> bool:
        return self.phase == "closed" or now >= self.until

    def retry_after(self, now: float) -> float:
        """Seconds; 0 where a call may go."""
        return 0.0 if self.lets_through(now) else self.until - now


def admitted(state: CircuitState, now: float) -> CircuitState:
    """A call goes; out of an open circuit it is the one probe."""
    return state if state.phase == "closed" else replace(state, phase="probing", until=now + PROBE_S)


def succeeded(state: CircuitState) -> CircuitState:
    """A call that left before the circuit opened does not close it."""
    return state if state.phase == "open" else CircuitState()


def failed(state: CircuitState, fault: Fault, now: float, retry_after: float | None = None) -> CircuitState:
    if fault in _AT_ONCE:
        until = now + (retry_after or _AT_ONCE[fault])
        return CircuitState(
            "open", tries=state.tries, until=max(until, state.until if state.phase == "open" else 0.0), reason=fault
        )
    if fault not in _COUNTED:
        return succeeded(state)  # a server that refuses a call for what the call is, is there
    match state.phase:
        case "open":
            return state
        case "probing":
            return _opened(state, fault, now)
        case "closed" if state.failures + 1 < FAILURES:
            return replace(state, failures=state.failures + 1)
        case "closed":
            return _opened(state, fault, now)
        case _:
            assert_never(state.phase)


def abandoned(state: CircuitState, now: float) -> CircuitState:
    """A call of which nothing will be heard, as its caller left: the next may probe."""
    return replace(state, phase="open", until=now) if state.phase == "probing" else state


def _opened(state: CircuitState, fault: Fault, now: float) -> CircuitState:
    pause = min(FIRST_S * 2**state.tries, LONGEST_S)
    return CircuitState("open", tries=state.tries + 1, until=now + pause, reason=fault)


class Circuit:
    """A server, or a model, as this process sees it. Each call that `admit` lets through ends in one of the other
    three."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._state = CircuitState()

    @property
    def state(self) -> CircuitState:
        return self._state

    @property
    def closed(self) -> bool:
        """Whether a call may go now; asking takes nothing."""
        return self._state.lets_through(self._clock())

    @property
    def retry_after(self) -> float:
        return self._state.retry_after(self._clock())

    def admit(self) -> bool:
        """Takes the probe where one is due."""
        now = self._clock()
        if not self._state.lets_through(now):
            return False
        self._state = admitted(self._state, now)
        return True

    def succeeded(self) -> None:
        self._state = succeeded(self._state)

    def failed(self, fault: Fault, retry_after: float | None = None) -> None:
        self._state = failed(self._state, fault, self._clock(), retry_after)

    def abandoned(self) -> None:
        self._state = abandoned(self._state, self._clock())


class ServerCircuits:
    """The circuit of a server and its account, and one for each of its models that was refused or whose answers broke.
    A call goes where both let it through; each call that `admit` lets through ends in one of the other three."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.server = Circuit(clock)
        self._models: dict[str, Circuit] = {}

    def model(self, model: str) -> Circuit:
        """The model's own circuit; a closed one where nothing is known of it."""
        return self._models.get(model) or Circuit(self._clock)

    def closed(self, model: str) -> bool:
        """Whether a call of the model may go now; asking takes nothing."""
        return self.server.closed and self.model(model).closed

    def retry_after(self, model: str) -> float:
        return max(self.server.retry_after, self.model(model).retry_after)

    def admit(self, model: str) -> bool:
        if not self.closed(model):
            return False
        return self.server.admit() and self.model(model).admit()

    def succeeded(self, model: str) -> None:
        self.server.succeeded()
        self.model(model).succeeded()
        self._forget_closed(model)

    def failed(self, model: str, fault: Fault, retry_after: float | None = None) -> None:
        if fault in _OF_A_MODEL:
            self.server.succeeded()  # a server that refuses one model, or answers badly, is there
            self._models.setdefault(model, Circuit(self._clock)).failed(fault, retry_after)
            return
        self.server.failed(fault, retry_after)
        if fault in _COUNTED or fault in _AT_ONCE:
            self.model(model).abandoned()
        else:
            self.model(model).succeeded()
            self._forget_closed(model)

    def abandoned(self, model: str) -> None:
        self.server.abandoned()
        self.model(model).abandoned()

    def _forget_closed(self, model: str) -> None:
        if model in self._models and self._models[model].state == CircuitState():
            del self._models[model]
