"""Points in time as requests name them: a date, or a time of RFC 3339 with its zone."""

import re
from datetime import UTC, datetime

from shared.types.errors import InvalidRequest

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def is_date(text: str) -> bool:
    return _DAY.fullmatch(text) is not None


def moment(text: str, name: str) -> datetime:
    """The time in UTC; of a date its first moment. Raises `InvalidRequest` with a pointer to the field `name`."""
    try:
        found = datetime.fromisoformat(text)
        if not (is_date(text) or found.tzinfo):
            raise ValueError("no time zone")
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        detail = f"`{name}` is a date such as 2026-03-01 or a time such as 2026-03-01T09:30:00Z"
        raise InvalidRequest.at(f"/{name}", detail) from None
