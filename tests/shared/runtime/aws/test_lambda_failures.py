"""What fails is brought again, what cannot succeed is not, and nothing counts as done before it was passed on."""

import asyncio
import json
from typing import Any

import msgspec
import pytest

from events.document import DocumentStored
from events.envelope import CloudEvent, decode, encode, unwrap
from shared.bus.retries import ATTEMPTS
from shared.records.records import PlatformRecords
from shared.records.structs import DeadLetter
from shared.runtime.lambda_binding import RetryInvocation
from shared.types.errors import StoreUnavailable
from tests.shared.runtime.aws.fake_aws import FakeAws
from tests.shared.runtime.aws.invocations import Lambdas, unique_note
from tests.shared.runtime.aws.messages import Context, batch, bridged, message, queue_arn

pytestmark = pytest.mark.xdist_group("lambda")


@pytest.fixture
def stored(lambdas: Lambdas) -> CloudEvent:
    return lambdas.intake("note.md", unique_note())


@pytest.fixture
def broken(lambdas: Lambdas) -> CloudEvent:
    return break_one(lambdas)


def break_one(lambdas: Lambdas) -> CloudEvent:
    """An event signed by us, of a document that we have, but the blob that it names is not there."""
    stored = unwrap(lambdas.intake("broken.md", unique_note()), lambdas.installation.event_secrets)
    assert isinstance(stored, DocumentStored)
    return lambdas.signed(msgspec.structs.replace(stored, original=stored.original + "-gone", key=stored.key + "x"))


def unsigned(event: CloudEvent) -> CloudEvent:
    return msgspec.structs.replace(event, aegissignature="v1.none.AAAA")


def test_only_what_failed_is_brought_again(lambdas: Lambdas, stored: CloudEvent, broken: CloudEvent) -> None:
    other = lambdas.intake("other.md", unique_note())
    answer = lambdas.invoke(
        "parse",
        batch(message(encode(stored), "good"), message(encode(broken), "bad"), message(encode(other), "fine")),
    )
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert {event.subject for event in lambdas.emitted("chunk")} == {stored.subject, other.subject}


def test_a_batch_of_failures_is_brought_again_whole(lambdas: Lambdas, broken: CloudEvent) -> None:
    answer = lambdas.invoke("parse", batch(message(encode(broken), "one"), message(encode(break_one(lambdas)), "two")))
    assert sorted(item["itemIdentifier"] for item in answer["batchItemFailures"]) == ["one", "two"]


def test_what_is_brought_again_succeeds_when_its_cause_is_gone(lambdas: Lambdas, broken: CloudEvent) -> None:
    bad = batch(message(encode(broken), "bad"))
    assert lambdas.invoke("parse", bad)["batchItemFailures"]
    lambdas.run(lambdas.services.blobs.write(broken.data["original"], unique_note()))
    assert lambdas.invoke("parse", bad) == {"batchItemFailures": []}
    assert [event.subject for event in lambdas.emitted("chunk")] == [broken.subject]


def test_pauses_between_attempts_grow(lambdas: Lambdas, broken: CloudEvent, aws: FakeAws) -> None:
    for received in (1, 2, 4):
        lambdas.invoke("parse", batch(message(encode(broken), "bad", received)))
    assert [call["VisibilityTimeout"] for call in aws.of("ChangeMessageVisibility")] == [2, 4, 16]
    assert {call["ReceiptHandle"] for call in aws.of("ChangeMessageVisibility")} == {"receipt-bad"}


def test_a_queue_that_cannot_be_told_to_wait_brings_the_message_all_the_same(
    lambdas: Lambdas, broken: CloudEvent, aws: FakeAws
) -> None:
    aws.refusing.add("ChangeMessageVisibility")
    assert lambdas.invoke("parse", batch(message(encode(broken), "bad")))["batchItemFailures"]


@pytest.mark.parametrize(
    "body", ["", "not JSON", "[]", "{}", '{"specversion": "0.3"}', '{"detail-type": "x"}', "[" * 3000]
)
def test_what_is_no_event_is_not_brought_again(lambdas: Lambdas, body: str) -> None:
    assert lambdas.invoke("parse", batch(message(body))) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    "event", [None, [], "text", {}, {"Records": []}, {"Records": [7]}, bridged("text"), bridged(None)]
)
def test_an_invocation_with_no_event_is_over_at_once(lambdas: Lambdas, event: Any) -> None:
    assert lambdas.invoke("parse", event) == {"statuses": []}


def test_what_is_not_signed_by_us_is_dropped_and_never_kept(lambdas: Lambdas, stored: CloudEvent, aws: FakeAws) -> None:
    assert lambdas.invoke("parse", batch(message(encode(unsigned(stored)), received=5))) == {"batchItemFailures": []}
    assert lambdas.emitted("chunk") == []
    assert aws.of("SendMessage") == []


def test_an_event_for_another_function_becomes_a_dead_letter_at_once(
    lambdas: Lambdas, stored: CloudEvent, aws: FakeAws
) -> None:
    assert lambdas.invoke("chunk", batch(message(encode(stored)))) == {"batchItemFailures": []}
    [dead_letter] = aws.of("SendMessage")
    assert dead_letter["QueueUrl"].endswith("/failed")
    assert json.loads(dead_letter["MessageBody"])["knativeerrorcode"] == "400"


def test_the_last_attempt_ends_as_a_dead_letter_that_keeps_its_reason(
    lambdas: Lambdas, broken: CloudEvent, aws: FakeAws
) -> None:
    assert lambdas.invoke("parse", batch(message(encode(broken), received=ATTEMPTS))) == {"batchItemFailures": []}
    [sent] = aws.of("SendMessage")
    assert decode(sent["MessageBody"].encode()) == broken
    assert lambdas.invoke("failed", batch(message(sent["MessageBody"], queue="failed"))) == {"batchItemFailures": []}
    dead_letter = _dead_letter_of(lambdas, broken)
    assert (dead_letter.function, dead_letter.status, dead_letter.attempts) == ("parse", 500, ATTEMPTS)
    assert "BlobMissing" in dead_letter.detail


def test_a_dead_letter_that_cannot_be_sent_is_tried_again(lambdas: Lambdas, broken: CloudEvent, aws: FakeAws) -> None:
    aws.refusing.add("SendMessage")
    answer = lambdas.invoke("parse", batch(message(encode(broken), "bad", received=ATTEMPTS)))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_what_a_queue_gave_up_is_a_dead_letter_of_its_listener(lambdas: Lambdas, stored: CloudEvent) -> None:
    given_up = message(encode(stored), queue="failed", DeadLetterQueueSourceArn=queue_arn("aegis-parse"))
    assert lambdas.invoke("failed", batch(given_up)) == {"batchItemFailures": []}
    dead_letter = _dead_letter_of(lambdas, stored)
    assert (dead_letter.function, dead_letter.status) == ("parse", 503)


def test_what_lambda_gave_up_is_a_dead_letter_with_its_error(lambdas: Lambdas, stored: CloudEvent) -> None:
    report = {
        "version": "1.0",
        "requestContext": {
            "requestId": "r",
            "functionArn": "arn:aws:lambda:eu-central-1:123456789012:function:aegis-parse:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": bridged(json.loads(encode(stored))),
        "responsePayload": {"errorMessage": "500: BlobMissing", "errorType": "RetryInvocation"},
    }
    assert lambdas.invoke("failed", batch(message(json.dumps(report), queue="failed"))) == {"batchItemFailures": []}
    dead_letter = _dead_letter_of(lambdas, stored)
    assert (dead_letter.function, dead_letter.attempts, dead_letter.detail) == ("parse", 3, "500: BlobMissing")


def test_a_dead_letter_that_is_not_signed_is_dropped(lambdas: Lambdas, stored: CloudEvent, aws: FakeAws) -> None:
    body = encode(unsigned(stored))
    assert lambdas.invoke("failed", batch(message(body, queue="failed"))) == {"batchItemFailures": []}
    assert [dead_letter for dead_letter in _dead_letters(lambdas) if dead_letter.document_id == stored.subject] == []
    assert aws.of("SendMessage") == []


def test_an_outcome_that_cannot_be_said_leaves_the_event_to_come_again(
    lambdas: Lambdas, stored: CloudEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(event: Any, source: str) -> None:
        raise StoreUnavailable("bus", "the broker does not answer")

    with monkeypatch.context() as away:
        away.setattr(lambdas.bus, "publish", refuse)
        answer = lambdas.invoke("parse", batch(message(encode(stored), "m")))
        with pytest.raises(RetryInvocation, match="503"):
            lambdas.invoke("parse", bridged(json.loads(encode(stored))))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m"}]}
    [record] = lambdas.stages(stored.subject)
    assert lambdas.invoke("parse", batch(message(encode(stored), "m"))) == {"batchItemFailures": []}
    assert [event.subject for event in lambdas.emitted("chunk")] == [stored.subject]
    assert lambdas.stages(stored.subject) == [record]


def test_a_failure_without_a_queue_makes_lambda_invoke_again(lambdas: Lambdas, broken: CloudEvent) -> None:
    with pytest.raises(RetryInvocation, match="BlobMissing"):
        lambdas.invoke("parse", bridged(json.loads(encode(broken))))


def test_what_does_not_end_in_the_invocations_time_is_said_to_have_failed(
    lambdas: Lambdas, stored: CloudEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = batch(message(encode(stored), "late"))
    with monkeypatch.context() as slow:
        slow.setattr(lambdas.services.parser_pool, "parse", _for_ever)
        assert lambdas.invoke("parse", late, Context(seconds=2.3)) == {
            "batchItemFailures": [{"itemIdentifier": "late"}]
        }
    assert lambdas.invoke("parse", late) == {"batchItemFailures": []}
    assert len(lambdas.emitted("chunk")) == 1


async def _for_ever(*document: Any) -> None:
    await asyncio.Event().wait()


def _dead_letters(lambdas: Lambdas) -> list[DeadLetter]:
    return [*lambdas.run(PlatformRecords(lambdas.services.blobs).dead_letters())]


def _dead_letter_of(lambdas: Lambdas, event: CloudEvent) -> DeadLetter:
    [dead_letter] = [dead_letter for dead_letter in _dead_letters(lambdas) if dead_letter.document_id == event.subject]
    return dead_letter
