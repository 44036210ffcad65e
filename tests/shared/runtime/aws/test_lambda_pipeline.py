"""The pipeline in Lambdas does what it does in one process."""

import asyncio
import json
import time
from typing import Any

import pytest

from events.envelope import encode
from shared.runtime.events.runner import Runner
from tests.shared.runtime.aws.invocations import PIPELINE, Lambdas
from tests.shared.runtime.aws.messages import batch, bridged, message, object_created, request

pytestmark = pytest.mark.xdist_group("lambda")

DOCUMENT = b"""# Otters

Sea otters sleep holding hands so that they do not drift apart.

## Food

An otter opens mussels with a stone that it keeps under its arm.
"""


@pytest.fixture(scope="module")
def travelled(lambdas: Lambdas) -> tuple[str, list[Any]]:
    """A document that went through the Lambdas, and the events that brought it."""
    events = lambdas.travel(lambdas.intake("otters.md", DOCUMENT))
    return events[0].subject, events


@pytest.fixture(scope="module")
def in_one_process(loop: asyncio.AbstractEventLoop, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same document, handed from function to function by the runner."""
    one = Lambdas(tmp_path_factory.mktemp("runner") / "data", loop)
    runner = Runner(one.table, one.services, one.bus, one.installation.event_secrets)
    one.run(runner.start())
    one.invoke("intake", object_created(one.put("otters.md", DOCUMENT)))
    until = time.monotonic() + 30
    while len(_ended(one)) < len(PIPELINE):
        one.run(asyncio.sleep(0.05))
        assert time.monotonic() < until
    one.run(runner.stop(5))
    yield one
    one.close()


def _ended(one: Lambdas) -> list[Any]:
    documents = one.run(one.services.blobs.folders("t/ten_default/d/"))
    return one.stages(documents[0]) if documents else []


def test_every_stage_ends_with_the_same_key_and_outcome(
    lambdas: Lambdas, travelled: tuple[str, list[Any]], in_one_process: Lambdas
) -> None:
    def outcomes(one: Lambdas) -> list[Any]:
        ended = [(record.stage, record.key, record.outcome, record.event) for record in one.stages(travelled[0])]
        return sorted(ended, key=lambda record: PIPELINE.index(record[0]))  # two branches may end in either order

    assert [record.stage for record in lambdas.stages(travelled[0])] == list(PIPELINE)
    assert outcomes(lambdas) == outcomes(in_one_process)


def test_the_same_passages_are_found(
    lambdas: Lambdas, travelled: tuple[str, list[Any]], in_one_process: Lambdas
) -> None:
    def found(one: Lambdas) -> Any:
        body = json.dumps({"query": "how do otters sleep", "document_ids": [travelled[0]]})
        answer = one.invoke("search", request("POST", "/search", body, one.api_key))
        assert answer["statusCode"] == 200, answer
        return json.loads(answer["body"])["passages"]

    passages = found(lambdas)
    assert "holding hands" in passages[0]["text"]
    assert passages == found(in_one_process)


def test_an_event_that_comes_twice_says_the_same_with_the_same_id(
    lambdas: Lambdas, travelled: tuple[str, list[Any]]
) -> None:
    _, events = travelled
    before = lambdas.stages(travelled[0])
    assert lambdas.invoke("parse", batch(message(encode(events[0])))) == {"batchItemFailures": []}
    [again] = lambdas.emitted("chunk")
    assert (again.id, again.data) == (events[1].id, events[1].data)
    assert lambdas.stages(travelled[0]) == before


def test_a_queue_may_hold_what_eventbridge_wrapped(lambdas: Lambdas, travelled: tuple[str, list[Any]]) -> None:
    wrapped = json.dumps(bridged(json.loads(encode(travelled[1][0]))))
    assert lambdas.invoke("parse", batch(message(wrapped))) == {"batchItemFailures": []}
    assert len(lambdas.emitted("chunk")) == 1


def test_a_rule_may_bring_an_event_without_a_queue(lambdas: Lambdas, travelled: tuple[str, list[Any]]) -> None:
    event = json.loads(encode(travelled[1][0]))
    assert lambdas.invoke("parse", bridged(event)) == {"statuses": [200]}
    assert lambdas.invoke("parse", event) == {"statuses": [200]}
    assert len(lambdas.emitted("chunk")) == 2


def test_a_schedule_is_a_tick_of_the_clock(lambdas: Lambdas) -> None:
    for source in ("aws.events", "aws.scheduler"):
        assert lambdas.invoke("sweep", bridged({}, "Scheduled Event", source)) == {"statuses": [204]}


def test_a_tick_that_nobody_listens_to_is_refused_for_good(lambdas: Lambdas) -> None:
    assert lambdas.invoke("parse", bridged({}, "Scheduled Event", "aws.events")) == {"statuses": [400]}


def test_connections_live_on_one_loop_between_invocations(lambdas: Lambdas) -> None:
    redis = lambdas.services.redis
    clients = lambdas.run(redis.call("CLIENT", "LIST")).count("\n")
    for _ in range(3):
        lambdas.invoke("sweep", bridged({}, "Scheduled Event", "aws.events"))
    assert lambdas.run(redis.call("CLIENT", "LIST")).count("\n") <= clients + 1
