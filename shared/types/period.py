"""A span of time as requests name it: `from` is in it, `to` is not; a date means the whole day in UTC."""

from datetime import date, datetime, timedelta

from msgspec import Struct, field

from shared.types.clock import now
from shared.types.errors import InvalidRequest
from shared.types.moment import is_date, moment
from shared.types.paging import PageRequest

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
    end = moment(period.until, "to") if period.until else now()
    if period.until and is_date(period.until):
        if end.date() == date.max:
            raise InvalidRequest.at("/to", f"`to` has to lie before {date.max}")
        end += timedelta(days=1)
    start = moment(period.since, "from") if period.since else _default_start(end, default)
    if start >= end:
        raise InvalidRequest.at("/from", "`from` has to lie before `to`")
    if end - start > _LONGEST:
        raise InvalidRequest.at("/from", f"`from` has to lie within {_LONGEST.days} days before `to`")
    return start, end


def _default_start(end: datetime, default: timedelta | None) -> datetime:
    try:
        last = end - timedelta(microseconds=1)
        return last.replace(day=1, hour=0, minute=0, second=0, microsecond=0) if default is None else end - default
    except OverflowError:
        raise InvalidRequest.at("/to", "`to` lies too close to the beginning of the calendar") from None
