"""What a tenant's users did on a day, in counts: questions and what became of them, cited documents, extraction,
ratings."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from shared.types.model import Rating
from shared.usage.paths import day_of
from shared.usage.records import FeedbackRecord, QuestionOutcome, Record, UsageRecord

_EXACT_MS = 1000
"""Up to here a latency is counted to the millisecond, above to three digits: a day has few different ones."""


class DayActivity(Struct, frozen=True, kw_only=True):
    """`unanswered` has the ids of the requests, in the order of their records; `latencies` counts questions by
    milliseconds, `cited` citations by document. `extracted` documents were read for `entities`.
    `rated` counts ratings, one that was changed only as the new one: a day can have less than none of the old."""

    day: str
    questions: int = 0
    unanswered: tuple[str, ...] = ()
    latencies: dict[int, int] = {}
    cited: dict[str, int] = {}
    extracted: int = 0
    entities: int = 0
    rated: dict[Rating, int] = {}


class ActivitySums:
    """Adds up the activity of some days."""

    def __init__(self, days: Iterable[DayActivity] = ()) -> None:
        self._days = defaultdict[str, _Sum](_Sum)
        for day in days:
            self.include(day)

    def include(self, day: DayActivity) -> None:
        """Adds a part of a day."""
        found = self._days[day.day]
        found.questions += day.questions
        found.unanswered += day.unanswered
        found.latencies.update(day.latencies)
        found.cited.update(day.cited)
        found.extracted += day.extracted
        found.entities += day.entities
        found.rated.update(day.rated)

    def add(self, record: Record) -> None:
        if isinstance(record, FeedbackRecord):
            rated = self._days[day_of(record.at)].rated
            rated[record.rating] += 1
            if record.replaces:
                rated[record.replaces] -= 1
        if not isinstance(record, UsageRecord):
            return
        if record.question:
            self._add_question(record, record.question)
        if record.entities is not None:
            found = self._days[day_of(record.at)]
            found.extracted += 1
            found.entities += record.entities

    def _add_question(self, record: UsageRecord, outcome: QuestionOutcome) -> None:
        found = self._days[day_of(record.at)]
        found.questions += 1
        found.latencies[_rounded(outcome.milliseconds)] += 1
        found.cited.update(outcome.cited)
        if not outcome.answered:
            found.unanswered.append(record.request_id)

    def days(self) -> list[DayActivity]:
        """In order."""
        return [one.result(day) for day, one in sorted(self._days.items())]


class _Sum:
    """A day that is being added up."""

    def __init__(self) -> None:
        self.questions = self.extracted = self.entities = 0
        self.unanswered: list[str] = []
        self.latencies, self.cited, self.rated = Counter[int](), Counter[str](), Counter[Rating]()

    def result(self, day: str) -> DayActivity:
        return DayActivity(
            day=day,
            questions=self.questions,
            unanswered=tuple(self.unanswered),
            latencies=dict(self.latencies),
            cited=dict(self.cited),
            extracted=self.extracted,
            entities=self.entities,
            rated=dict(self.rated),
        )


def sum_activity(records: Iterable[Record]) -> list[DayActivity]:
    sums = ActivitySums()
    for record in records:
        sums.add(record)
    return sums.days()


def decode_activity(stored: bytes) -> list[DayActivity]:
    return msgspec.msgpack.decode(stored, type=list[DayActivity]) if stored else []


def _rounded(milliseconds: int) -> int:
    digits = len(str(milliseconds)) - 3
    return milliseconds if milliseconds <= _EXACT_MS else round(milliseconds, -digits)
