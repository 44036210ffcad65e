"""One process for each function answers what one process for all answers, calm and in a storm."""

import random
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from tests.cluster.broker import Faults
from tests.cluster.library import CALM, QUESTIONS, STORMY, final_statuses, observable, send, until_ok
from tests.cluster.suite import Suite
from tests.suite.running import Caller, Running

pytestmark = pytest.mark.xdist_group("cluster")

PASSED_FUNCTIONS = (
    "upload",
    "parse",
    "chunk",
    "embed",
    "extract",
    "link",
    "finish",
    "documents",
    "search",
    "ask",
)
EVENT_FUNCTIONS = ("parse", "chunk", "embed", "extract", "link", "finish", "sweep")
_SEED = 20
_STORM_S = 12.0
_NO_GRAPH = {"graph": "off"}
"""The cluster of these tests has no Neo4j, and one process always has a graph."""
_ENDS_S = 180.0
"""A killed stage holds its lease for 30 s; the sweep publishes again 60 s after the document's last event."""


@pytest.fixture(scope="module")
def admin(suite: Suite) -> Iterator[Caller]:
    with suite.admin() as caller:
        until_ok(partial(caller.patch, "/settings", json=_NO_GRAPH))
        yield caller


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """An admin of the same tenant where one process runs all functions."""
    running = Running(tmp_path_factory.mktemp("alone") / "data").start()
    with running.caller(running.api_key) as caller:
        caller.patch("/settings", json=_NO_GRAPH).raise_for_status()
        yield caller
    assert running.stop() == 0


def test_every_function_of_the_table_is_a_process(suite: Suite) -> None:
    assert len({function.pid for function in suite.functions.values()}) == len(suite.items) >= 15
    for name in suite.functions:
        with suite.direct(name) as caller:
            assert caller.get("/health").json()["status"] == "ok"


def test_a_second_preparation_changes_nothing(suite: Suite) -> None:
    assert suite.keys["tenant_id"] == "ten_default"
    assert suite.init() == {}


def test_answers_are_those_of_one_process(suite: Suite, admin: Caller, alone: Caller) -> None:
    sent = [send(admin, filename, text) for filename, text in CALM.items()]
    assert set(final_statuses(admin, sent, 60).values()) == {"ready"}
    assert [alone.ingest(text.encode(), filename)["document_id"] for filename, text in CALM.items()] == sent
    ours, theirs = observable(admin), observable(alone)
    assert {what: ours[what] for what in ours if ours[what] != theirs.get(what)} == {}
    assert ours.keys() == theirs.keys()
    assert ours[f"ask {QUESTIONS[0]}"]["answered"] and not ours[f"ask {QUESTIONS[-1]}"]["answered"]


def test_a_document_goes_through_eight_processes(suite: Suite, admin: Caller) -> None:
    document_id = send(admin, "eight.md", "# Eight\n\nThe eighth wonder of Varde is its clock of glass.\n")
    assert final_statuses(admin, [document_id], 60) == {document_id: "ready"}
    assert admin.search("clock of glass")[0]["document_id"] == document_id
    answer = until_ok(partial(admin.post, "/ask", json={"question": "What is the eighth wonder of Varde?"})).json()
    assert answer["citations"][0]["document_id"] == document_id
    delivered_to = {
        one.function for one in suite.broker.deliveries if one.event.attributes.get("subject") == document_id
    }
    called = {name for name, function in suite.functions.items() if '"tenant":"ten_default"' in function.log}
    assert set(PASSED_FUNCTIONS) <= delivered_to | called
    assert admin.delete(f"/documents/{document_id}").status_code == 204


def test_a_storm_changes_nothing(suite: Suite, admin: Caller, alone: Caller) -> None:
    """Every process is killed once while documents come in, stages while they run; every event comes twice,
    late and in another encoding."""
    before = {name: function.pid for name, function in suite.functions.items()}
    sent: list[str] = []
    uploads = threading.Thread(target=lambda: sent.extend(send(admin, *document) for document in STORMY.items()))
    suite.broker.faults = Faults(copies=2, latest_s=1.5, rewrites=True)
    try:
        uploads.start()
        suite.kill_each_once(random.Random(_SEED), _STORM_S, running=EVENT_FUNCTIONS)
        uploads.join()
        assert all(function.pid != before[name] for name, function in suite.functions.items())
        assert set(final_statuses(admin, sent, _ENDS_S).values()) == {"ready"}
        assert len(sent) == len(STORMY)
    finally:
        suite.broker.faults = Faults()
    for filename, text in STORMY.items():
        assert alone.ingest(text.encode(), filename)["status"] == "ready"
    ours, theirs = observable(admin), observable(alone)
    assert {what: ours[what] for what in ours if ours[what] != theirs.get(what)} == {}
    assert ours.keys() == theirs.keys()


def test_nothing_of_it_ended_as_a_dead_letter(suite: Suite, admin: Caller) -> None:
    tenant_id = suite.keys["tenant_id"]
    assert [
        dead_letter
        for dead_letter in suite.broker.dead_letters
        if dead_letter.attributes.get("aegistenant") == tenant_id
    ] == []
    assert until_ok(partial(admin.get, "/failed")).json()["items"] == []
