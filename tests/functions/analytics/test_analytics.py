"""Analytics count each question once, from digests or from records, and say which had no answer."""

from datetime import timedelta
from typing import Any

import pytest

from functions.analytics import handler
from shared.access.accounts import Accounts
from shared.blobs.port import Blobs
from shared.proxy.budget.budget import Budget
from shared.redis.client import RedisClient
from shared.types.model import Rating
from shared.types.principal import Principal
from shared.usage.day_digest import DigestHead
from shared.usage.digests import Digests
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.records import FeedbackRecord, QuestionOutcome, Record, UsageRecord
from shared.usage.sealing import seal
from tests.shared.usage.samples import NOON, TODAY, free

YESTERDAY = (NOON - timedelta(days=1)).date().isoformat()
BEFORE = (NOON - timedelta(days=2)).date().isoformat()


def asked(number: int, milliseconds: int, *cited: str, tenant_id: str = "ten_a", days: int = 0) -> UsageRecord:
    return UsageRecord(
        usage_id=f"question-req_{number}",
        tenant_id=tenant_id,
        at=NOON - timedelta(days=days) + timedelta(seconds=number),
        lines=(),
        request_id=f"req_{number}",
        function="ask",
        question=QuestionOutcome(bool(cited), milliseconds, cited),
    )


def rated(number: int, rating: Rating, replaces: Rating | None = None, *, key_id: str = "key_a") -> FeedbackRecord:
    return FeedbackRecord(
        feedback_id=f"req_1-{key_id}-{number}",
        tenant_id="ten_a",
        request_id="req_1",
        at=NOON + timedelta(minutes=number - 2),
        rating=rating,
        key_id=key_id,
        replaces=replaces,
    )


RECORDS: list[Record] = [
    rated(1, "up"),
    rated(2, "down", "up"),
    rated(2, "down", "up"),
    rated(1, "up", key_id="key_b"),
    *(asked(number, 10 * (number + 1), "doc_a", "doc_b") for number in range(18)),
    asked(18, 1_234, "doc_b"),
    asked(19, 98_765),
    asked(20, 50, days=1),
    asked(21, 70, "doc_c", days=1),
    asked(22, 1, "doc_foreign", tenant_id="ten_b"),
    asked(0, 10, "doc_a", "doc_b"),
    free(1, entities=7),
    free(2, entities=0),
    free(3),
]


class Desk:
    def __init__(self, blobs: Blobs, redis: RedisClient) -> None:
        self.blobs, self.ledger, self.journal = blobs, UsageLedger(blobs), Journal(blobs)
        self.budget = Budget(redis, blobs, Accounts(blobs, redis), self.ledger.balances)

    async def analytics(self, since: str = BEFORE, until: str = TODAY) -> handler.Analytics:
        request = handler.GetAnalytics(since=since, until=until)
        admin = Principal("ten_a", "key_a", "admin")
        return await handler.handle(request, self.ledger, self.budget, self.journal, admin)


@pytest.fixture
async def desk(blobs: Blobs, redis: RedisClient) -> Desk:
    desk = Desk(blobs, redis)
    for record in RECORDS:
        await desk.journal.append(record)
    return desk


async def test_each_question_is_counted_once_wherever_its_record_is(desk: Desk) -> None:
    before = await desk.analytics()
    assert (before.questions, before.unanswered, before.unanswered_rate) == (22, 2, 0.0909)
    assert before.unanswered_requests == ["req_19", "req_20"]
    assert before.latency == handler.Latency(p50_ms=90, p95_ms=1230)
    assert [(day.day, day.questions, day.unanswered, day.unanswered_rate) for day in before.days] == [
        (BEFORE, 0, 0, None),
        (YESTERDAY, 2, 1, 0.5),
        (TODAY, 20, 1, 0.05),
    ]
    assert before.days[0].latency == handler.Latency(None, None)
    assert [(one.document_id, one.citations) for one in before.documents] == [
        ("doc_b", 19),
        ("doc_a", 18),
        ("doc_c", 1),
    ]
    assert before.extraction == handler.ExtractionCounts(documents=2, entities=7)
    assert before.feedback == handler.Ratings(up=1, down=1)
    await seal(desk.blobs)
    assert await desk.analytics() == before
    await desk.ledger.update_digests()
    assert await desk.analytics() == before
    await desk.journal.append(asked(19, 98_765))
    await desk.journal.append(asked(30, 20, "doc_a"))
    await seal(desk.blobs)
    await desk.ledger.update_digests()
    assert (await desk.analytics()).questions == before.questions + 1


async def test_a_period_may_begin_and_end_within_a_digested_day(desk: Desk) -> None:
    await seal(desk.blobs)
    await desk.ledger.update_digests()
    start = NOON + timedelta(seconds=17)
    found = await desk.analytics(start.isoformat(), (start + timedelta(seconds=2)).isoformat())
    assert (found.questions, found.unanswered) == (2, 0)


async def test_the_digest_of_an_earlier_revision_is_read_and_added_to(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_activity(self: Any) -> DigestHead:
        return DigestHead(self.blobs, self.oldest, self.newest, self.duplicates, self.totals, self.kinds)

    await seal(desk.blobs)
    await desk.ledger.update_digests()
    read = Digests.head

    async def as_before(self: Digests, day: Any) -> DigestHead:
        return without_activity(await read(self, day))

    with monkeypatch.context() as earlier:
        earlier.setattr(Digests, "head", as_before)
        assert (await desk.analytics()).questions == 0
        await desk.journal.append(asked(40, 20, "doc_a"))
        await seal(desk.blobs)
        await desk.ledger.update_digests()
    found = await desk.analytics()
    assert [day.questions for day in found.days] == [0, 2, 1]
