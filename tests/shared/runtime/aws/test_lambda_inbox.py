"""Objects that outside producers put into the bucket are taken in for their tenant."""

import json

import pytest

from shared.blobs.port import BlobMissing
from shared.runtime.lambda_binding import RetryInvocation
from shared.types.errors import StoreUnavailable
from tests.shared.runtime.aws.invocations import Lambdas, unique_note
from tests.shared.runtime.aws.messages import batch, bridged, message, object_created

pytestmark = pytest.mark.xdist_group("lambda")


def is_there(lambdas: Lambdas, key: str) -> bool:
    try:
        lambdas.run(lambdas.services.blobs.read(key))
    except BlobMissing:
        return False
    return True


def test_an_object_becomes_a_document_of_its_tenant(lambdas: Lambdas) -> None:
    content = unique_note()
    event = lambdas.intake("incoming/2026/report.md", content)
    record = lambdas.run(lambdas.records.document(event.subject))
    assert record is not None
    assert (record.filename, record.uploader, record.size) == ("report.md", "inbox", len(content))
    assert event.aegistenant == "ten_default"


def test_what_was_taken_in_is_gone_from_the_inbox(lambdas: Lambdas) -> None:
    key = lambdas.put("gone.md", unique_note())
    lambdas.invoke("intake", object_created(key))
    assert not is_there(lambdas, key)
    lambdas.emitted("parse")


def test_a_notification_that_comes_twice_makes_one_document(lambdas: Lambdas) -> None:
    key = lambdas.put("twice.md", unique_note())
    assert lambdas.invoke("intake", object_created(key)) == {"statuses": [204]}
    assert lambdas.invoke("intake", object_created(key)) == {"statuses": [404]}
    assert len(lambdas.emitted("parse")) == 1


def test_notifications_may_come_by_queue_or_by_eventbridge(lambdas: Lambdas) -> None:
    queued = json.dumps(object_created(lambdas.put("queued.md", unique_note())))
    assert lambdas.invoke("intake", batch(message(queued, queue="inbox"))) == {"batchItemFailures": []}
    detail = {"bucket": {"name": "aegis"}, "object": {"key": lambdas.put("bridged.md", unique_note())}}
    assert lambdas.invoke("intake", bridged(detail, "Object Created", "aws.s3")) == {"statuses": [204]}
    assert len(lambdas.emitted("parse")) == 2


@pytest.mark.parametrize(
    "event",
    [
        object_created("t/ten_default/d/doc_1/1/original", "open/ten_default/doc_1", "t/ten_default/inbox/folder/"),
        object_created("t/ten_default/inbox/note.md", name="ObjectRemoved:Delete"),
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "aegis"},
        bridged({"object": {"key": "t/ten_default/inbox/note.md"}}, "Object Deleted", "aws.s3"),
    ],
)
def test_what_happens_elsewhere_in_the_bucket_concerns_nobody(lambdas: Lambdas, event: object) -> None:
    assert lambdas.invoke("intake", event) == {"statuses": []}


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("t/ten_default/inbox/absent.md", 404),
        ("t/ten_nobody/inbox/note.md", 404),
        ("t/ten_default/inbox/..%2F..%2Fd%2Fdoc_1", 404),
        ("t/ten_default/inbox/r%C3%A9sum%C3%A9+2.md", 404),
    ],
)
def test_what_cannot_be_taken_in_is_refused_for_good(lambdas: Lambdas, key: str, status: int) -> None:
    assert lambdas.invoke("intake", object_created(key)) == {"statuses": [status]}


def test_an_object_of_an_unknown_format_stays_in_the_inbox(lambdas: Lambdas) -> None:
    key = lambdas.put("picture.xyz", bytes(range(256)))
    assert lambdas.invoke("intake", object_created(key)) == {"statuses": [415]}
    assert is_there(lambdas, key)


def test_an_object_is_brought_again_when_a_store_is_away(lambdas: Lambdas, monkeypatch: pytest.MonkeyPatch) -> None:
    key = lambdas.put("later.md", unique_note())

    async def away(name: str) -> bytes:
        raise StoreUnavailable("blobs", "no answer")

    with monkeypatch.context() as blobs:
        blobs.setattr(lambdas.services.blobs, "read", away)
        with pytest.raises(RetryInvocation, match="503"):
            lambdas.invoke("intake", object_created(key))
    assert lambdas.invoke("intake", object_created(key)) == {"statuses": [204]}
    lambdas.emitted("parse")


def test_only_the_function_with_an_inbox_takes_objects_in(lambdas: Lambdas) -> None:
    key = lambdas.put("astray.md", unique_note())
    assert lambdas.invoke("parse", object_created(key)) == {"statuses": [404]}
    assert is_there(lambdas, key)
