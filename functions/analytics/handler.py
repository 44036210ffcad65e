"""Reports what the tenant's users asked in a period: questions per day, which had no answer, latency, cited documents,
extraction and ratings."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import get_args

from msgspec import Struct, field

from shared.proxy.budget.budget import Budget
from shared.types.model import Rating
from shared.types.period import Period, span
from shared.types.principal import Principal
from shared.usage.activity import ActivitySums, DayActivity
from shared.usage.journal import Journal
from shared.usage.ledger import UsageLedger
from shared.usage.outbox import flush_outbox

_MOST_UNANSWERED = 100
_TOP_DOCUMENTS = 20


class GetAnalytics(Period, frozen=True, kw_only=True):
    """Without `from` it begins with the month that it ends in; without `to` it ends now."""


class Latency(Struct, frozen=True):
    """In milliseconds, to three digits; null where nothing was asked."""

    p50_ms: int | None
    p95_ms: int | None


class DayOfQuestions(Struct, frozen=True, kw_only=True):
    """`unanswered_rate` is null where nothing was asked."""

    day: str
    questions: int
    unanswered: int
    unanswered_rate: float | None
    latency: Latency


class CitedDocument(Struct, frozen=True):
    document_id: str
    citations: int


class ExtractionCounts(Struct, frozen=True):
    """Documents that were read for entities, and how many different entities were found in each, added up."""

    documents: int
    entities: int


class Ratings(Struct, frozen=True):
    """Ratings given in the period; one that its caller changed counts once, as the new one."""

    up: int
    down: int


class Analytics(Struct, frozen=True, kw_only=True):
    """`days` are all days of the period. `unanswered_requests` are the newest 100 requests whose question had no answer
    in the sources, `documents` the 20 that were cited most."""

    since: datetime = field(name="from")
    until: datetime = field(name="to")
    questions: int
    unanswered: int
    unanswered_rate: float | None
    unanswered_requests: list[str]
    latency: Latency
    days: list[DayOfQuestions]
    documents: list[CitedDocument]
    extraction: ExtractionCounts
    feedback: Ratings


async def handle(
    request: GetAnalytics, ledger: UsageLedger, budget: Budget, journal: Journal, principal: Principal
) -> Analytics:
    since, until = span(request)
    await flush_outbox(budget.outbox, journal)
    parts = await ledger.activity(principal.tenant_id, since, until)
    return await asyncio.to_thread(_analytics, since, until, parts)


def _analytics(since: datetime, until: datetime, parts: Iterable[DayActivity]) -> Analytics:
    found = ActivitySums(parts).days()
    by_day = {day.day: day for day in found}
    cited, latencies = Counter[str](), Counter[int]()
    for day in found:
        cited.update(day.cited)
        latencies.update(day.latencies)
    questions = sum(day.questions for day in found)
    unanswered = [request_id for day in reversed(found) for request_id in reversed(day.unanswered)]
    top = sorted(cited.items(), key=lambda one: (-one[1], one[0]))[:_TOP_DOCUMENTS]
    return Analytics(
        since=since,
        until=until,
        questions=questions,
        unanswered=len(unanswered),
        unanswered_rate=_rate(len(unanswered), questions),
        unanswered_requests=unanswered[:_MOST_UNANSWERED],
        latency=_latency(latencies),
        days=[_day(by_day.get(day, DayActivity(day=day))) for day in _days(since, until)],
        documents=[CitedDocument(*one) for one in top],
        extraction=ExtractionCounts(sum(day.extracted for day in found), sum(day.entities for day in found)),
        feedback=Ratings(*(max(0, sum(day.rated.get(one, 0) for day in found)) for one in get_args(Rating))),
    )


def _day(day: DayActivity) -> DayOfQuestions:
    return DayOfQuestions(
        day=day.day,
        questions=day.questions,
        unanswered=len(day.unanswered),
        unanswered_rate=_rate(len(day.unanswered), day.questions),
        latency=_latency(Counter(day.latencies)),
    )


def _days(since: datetime, until: datetime) -> list[str]:
    first = since.astimezone(UTC).date()
    last = (until - timedelta(microseconds=1)).astimezone(UTC).date()
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _latency(latencies: Counter[int]) -> Latency:
    return Latency(_percentile(latencies, 50), _percentile(latencies, 95))


def _percentile(latencies: Counter[int], percent: int) -> int | None:
    """By nearest rank: the smallest value that this share of the questions does not exceed."""
    rank = -(-latencies.total() * percent // 100)
    for milliseconds, count in sorted(latencies.items()):
        rank -= count
        if rank <= 0:
            return milliseconds
    return None
