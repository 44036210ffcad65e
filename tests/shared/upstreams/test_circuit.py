"""The circuit as a table: what came when, and whether a call may go afterwards."""

from typing import get_args

import pytest

from shared.upstreams.circuit import FAILURES, PROBE_S, Circuit, CircuitState, ServerCircuits
from shared.upstreams.port import Fault


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _after(steps: str) -> Circuit:
    """Steps: a fault's name, `ok`, `go` (a call is let through), `stop` (it refuses), `left`, or seconds to pass."""
    clock = _Clock()
    circuit = Circuit(clock)
    for step in steps.split():
        _take(circuit, clock, step)
    return circuit


def _take(circuit: Circuit, clock: _Clock, step: str) -> None:
    if step in ("go", "stop"):
        assert circuit.closed is (step == "go")
        assert circuit.admit() is (step == "go")
    elif step == "ok":
        circuit.succeeded()
    elif step == "left":
        circuit.abandoned()
    elif step[0].isdigit():
        clock.now += float(step)
    else:
        fault, _, wait = step.partition(":")
        circuit.failed(_named(fault), float(wait) if wait else None)


def _named(name: str) -> Fault:
    for fault in get_args(Fault):
        if fault == name:
            found: Fault = fault
            return found
    raise KeyError(name)


_FIVE = "timeout " * FAILURES


@pytest.mark.parametrize(
    "steps",
    [
        "go",
        "timeout timeout timeout timeout go",
        "refused timeout overloaded failed broken stop",
        "timeout timeout timeout timeout ok timeout go",
        "timeout timeout timeout timeout bad_request timeout go",
        "bad_request too_long rate_limited bad_request bad_request too_long go",
        f"{_FIVE} 29.9 stop 0.2 go",
        f"{_FIVE} ok stop",
        f"{_FIVE} timeout timeout 30 go",
        f"{_FIVE} 30 go stop",
        f"{_FIVE} 30 go ok go go",
        f"{_FIVE} 30 go timeout 59 stop 1 go",
        f"{_FIVE} 30 go timeout 60 go timeout 120 go timeout 240 go timeout 299 stop 1 go timeout 299 stop 1 go",
        f"{_FIVE} 30 go ok {_FIVE} 29 stop 1 go",
        f"{_FIVE} 30 go left go stop",
        f"{_FIVE} 30 go stop {PROBE_S} go stop",
        f"{_FIVE} 30 go bad_request go go",
        "left go",
        "quota stop 899 stop 1 go",
        "quota:60 59 stop 1 go",
        "unauthorized stop",
        "payment stop",
        "forbidden stop",
        "model_not_found 59 stop 1 go ok go",
        "quota 100 timeout stop",
        "quota 800 quota:1 stop 99 stop 1 go",
        "quota 900 go quota 899 stop 1 go ok go go",
    ],
)
def test_the_circuit_lets_through_what_it_should(steps: str) -> None:
    _after(steps)


def test_an_open_circuit_says_why_and_for_how_long() -> None:
    circuit = _after(f"{_FIVE} 10")
    assert circuit.state.phase == "open"
    assert circuit.state.reason == "timeout"
    assert circuit.retry_after == pytest.approx(20)


def test_every_fault_is_known_to_the_circuit() -> None:
    opens_at_once = {fault for fault in get_args(Fault) if not _after(fault).closed}
    opens_in_a_row = {fault for fault in get_args(Fault) if not _after(f"{fault} " * FAILURES).closed}
    assert opens_at_once == {"quota", "unauthorized", "payment", "forbidden", "model_not_found"}
    assert opens_in_a_row - opens_at_once == {"refused", "timeout", "overloaded", "failed", "broken"}


@pytest.mark.parametrize("fault", ["forbidden", "model_not_found"])
def test_a_refused_model_is_left_alone_and_the_servers_others_are_not(fault: Fault) -> None:
    circuits = ServerCircuits(_Clock())
    circuits.failed("refused", fault)
    assert not circuits.closed("refused") and not circuits.admit("refused")
    assert circuits.closed("other") and circuits.admit("other")


def test_broken_answers_count_for_their_model() -> None:
    circuits = ServerCircuits(_Clock())
    for _ in range(FAILURES):
        circuits.failed("broken", "broken")
    assert (circuits.closed("broken"), circuits.closed("other")) == (False, True)


@pytest.mark.parametrize("fault", ["quota", "unauthorized", "payment"])
def test_a_refusal_of_the_account_holds_for_every_model(fault: Fault) -> None:
    circuits = ServerCircuits(_Clock())
    circuits.failed("one", fault)
    assert (circuits.closed("one"), circuits.closed("other")) == (False, False)


def test_the_probe_of_a_model_that_finds_its_server_away_can_be_made_again() -> None:
    clock = _Clock()
    circuits = ServerCircuits(clock)
    circuits.failed("one", "model_not_found")
    clock.now += 60
    assert circuits.admit("one") and not circuits.closed("one")
    circuits.failed("one", "timeout")
    assert circuits.admit("one")
    circuits.succeeded("one")
    assert circuits.model("one").state == CircuitState()
