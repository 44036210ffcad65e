"""An event is on a bus or in a queue on AWS before it counts as published."""

import json
from typing import Any

import pytest

from events.envelope import CloudEvent, decode, unwrap
from shared.bus.aws import AwsSink, is_aws, is_queue
from shared.bus.broker import BrokerSink
from shared.bus.recent import recent_mark
from shared.bus.sink import SinkTransport
from shared.runtime.wiring.cluster import cluster_services
from shared.runtime.wiring.settings import Settings
from shared.table.table import load
from shared.types.errors import StoreUnavailable
from tests.shared.runtime.aws.fake_aws import FakeAws
from tests.shared.runtime.aws.invocations import Lambdas, unique_note
from tests.shared.runtime.aws.messages import queue_arn

pytestmark = pytest.mark.xdist_group("lambda")

BUS = "arn:aws:events:eu-central-1:123456789012:event-bus/aegis"
QUEUE = queue_arn("parse")


@pytest.fixture
def stored(lambdas: Lambdas) -> CloudEvent:
    return lambdas.intake("note.md", unique_note())


def transport(lambdas: Lambdas, address: str) -> SinkTransport:
    return SinkTransport(AwsSink(address), lambdas.installation.event_secrets, lambdas.services.redis)


def publish_to(lambdas: Lambdas, address: str, event: CloudEvent) -> None:
    message = unwrap(event, lambdas.installation.event_secrets)
    lambdas.run(transport(lambdas, address).publish(message, "upload"))


def test_an_event_bus_is_told_who_speaks_and_of_what(lambdas: Lambdas, stored: CloudEvent, aws: FakeAws) -> None:
    publish_to(lambdas, BUS, stored)
    [call] = aws.of("PutEvents")
    [entry] = call["Entries"]
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (BUS, "/functions/upload", stored.type)
    assert decode(entry["Detail"].encode()).id == stored.id
    assert json.loads(entry["Detail"])["route"] == "cpu"  # rules filter by it


def test_a_queue_holds_the_event_as_it_is(lambdas: Lambdas, stored: CloudEvent, aws: FakeAws) -> None:
    publish_to(lambdas, QUEUE, stored)
    [call] = aws.of("SendMessage")
    assert call["QueueUrl"].endswith("/parse")
    assert decode(call["MessageBody"].encode()).id == stored.id


def test_a_queue_in_order_swallows_no_outcome_that_is_said_again(
    lambdas: Lambdas, stored: CloudEvent, aws: FakeAws
) -> None:
    publish_to(lambdas, queue_arn("parse.fifo"), stored)
    publish_to(lambdas, queue_arn("parse.fifo"), stored)
    first, second = aws.of("SendMessage")
    assert first["MessageGroupId"] == second["MessageGroupId"] == stored.subject
    assert first["MessageDeduplicationId"] != second["MessageDeduplicationId"]


@pytest.mark.parametrize(("address", "action"), [(BUS, "PutEvents"), (QUEUE, "SendMessage")])
def test_what_aws_refuses_was_not_said(
    lambdas: Lambdas, stored: CloudEvent, aws: FakeAws, address: str, action: str
) -> None:
    aws.refusing.add(action)
    with pytest.raises(StoreUnavailable, match="bus"):
        publish_to(lambdas, address, stored)


def test_aws_that_does_not_answer_is_a_store_that_is_away(
    lambdas: Lambdas, stored: CloudEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        publish_to(lambdas, BUS.replace("eu-central-1", "eu-north-1"), stored)


def test_what_was_said_is_marked_as_being_on_its_way(lambdas: Lambdas, stored: CloudEvent) -> None:
    redis, mark = lambdas.services.redis, recent_mark(stored.aegistenant, stored.subject, stored.epoch)
    lambdas.run(redis.call("DEL", mark))
    publish_to(lambdas, BUS, stored)
    assert lambdas.run(redis.call("EXISTS", mark))


@pytest.mark.parametrize(
    ("address", "aws", "queue"),
    [
        (BUS, True, False),
        ("arn:aws-cn:events:cn-north-1:1:event-bus/a/b", True, False),
        (QUEUE, True, True),
        ("https://sqs.eu-central-1.amazonaws.com/123456789012/parse", True, True),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/parse", True, True),
        ("http://broker-ingress.knative-eventing.svc.cluster.local/aegis/default", False, False),
        ("https://sqs.example.org/123456789012/parse", False, False),
        ("arn:aws:sns:eu-central-1:123456789012:topic", False, False),
    ],
)
def test_addresses_are_told_apart(address: str, aws: bool, queue: bool) -> None:
    assert (is_aws(address), is_queue(address)) == (aws, queue)


def test_another_address_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="neither"):
        AwsSink("arn:aws:sns:eu-central-1:123456789012:topic")


@pytest.mark.parametrize(("sink", "kind"), [(BUS, AwsSink), (QUEUE, AwsSink), ("http://broker/aegis", BrokerSink)])
def test_k_sink_says_which_bus_it_is(sink: str, kind: type[Any]) -> None:
    environ = {
        "K_SINK": sink,
        "AEGIS_EVENT_SECRET": "first:sixteen-characters-or-more",
        "AEGIS_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    transport = cluster_services(load(), Settings(), environ).transport
    assert isinstance(transport, SinkTransport)
    assert isinstance(transport.sink, kind)
