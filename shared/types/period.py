"""A span of time as requests name it: `from` is in it, `to` is not; a date means the whole day in UTC."""

import re
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct, field

from shared.types.clock import now
from shared.types.errors import InvalidRequest
from shared.types.paging import PageRequest

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST = timedelta(days=400)


class Period(Struct, frozen=True, kw_only=True):
    """Base of requests that take `from` and `to`, each a date or a time of RFC 3339."""

    since: str | None = field(name="from", default=None)
    until: str | None = field(name="to", default=None)


class PagedPeriod(PageRequest, frozen=True, kw_only=True):
    """The same for a list in pages."""

    since: str | None = field(name="from", default=None)
    until: str | None = field(name="to", default=None)


def span(period: Period | PagedPeriod, default: timedelta | None = None) -> tuple[datetime, datetime]:
    """Without `from` it begins `default` before its end, or with the month that it ends in; without `to` it ends now.
    Raises `InvalidRequest`."""
    end = _moment(period.until, "to") if period.until else now()
    if period.until and _DAY.fullmatch(period.until):
        if end.date() == date.max:
            raise InvalidRequest.at("/to", f"`to` has to lie before {date.max}")
        end += timedelta(days=1)
    last = end - timedelta(microseconds=1)
    start = last.replace(day=1, hour=0, minute=0, second=0, microsecond=0) if default is None else end - default
    if period.since:
        start = _moment(period.since, "from")
    if start >= end:
        raise InvalidRequest.at("/from", "`from` has to lie before `to`")
    if end - start > _LONGEST:
        raise InvalidRequest.at("/from", f"`from` has to lie within {_LONGEST.days} days before `to`")
    return start, end


def _moment(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        if not (_DAY.fullmatch(text) or moment.tzinfo):
            raise ValueError("no time zone")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        detail = f"`{name}` is a date such as 2026-03-01 or a time such as 2026-03-01T09:30:00Z"
        raise InvalidRequest.at(f"/{name}", detail) from None
