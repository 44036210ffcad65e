"""The time of day, in UTC, as it stands in records and answers."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)
