"""Durations, reminders and repetitions of iCalendar in words."""

import re
from collections.abc import Iterable

_DURATION = re.compile(r"([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_UNITS = ("week", "day", "hour", "minute", "second")
_EVERY = {"SECONDLY": "second", "MINUTELY": "minute", "HOURLY": "hour", "DAILY": "day", "WEEKLY": "week"}
_EVERY |= {"MONTHLY": "month", "YEARLY": "year"}
_DAYS = {"MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday", "SA": "Saturday"}
_DAYS |= {"SU": "Sunday"}
_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
_ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "second to last"}
_DAY = re.compile(r"([+-]?\d{0,3})([A-Z]{2})")
_WORKDAYS = ["MO", "TU", "WE", "TH", "FR"]


def duration(value: str) -> str:
    """`1 hour 30 minutes` for `PT1H30M`; what is no duration as it is."""
    found = _DURATION.fullmatch(value)
    if found is None:
        return value
    parts = [_counted(int(count), unit) for count, unit in zip(found.groups()[1:], _UNITS, strict=True) if count]
    return " ".join(parts) or value


def reminder(value: str, *, of_end: bool) -> str:
    """`15 minutes before` for a trigger of `-PT15M`; empty for a time of its own."""
    found = _DURATION.fullmatch(value)
    if found is None:
        return ""
    edge = "the end" if of_end else "the start"
    if not any(map(int, filter(None, found.groups()[1:]))):
        return f"at {edge}"
    return f"{duration(value)} {'before' if found[1] == '-' else 'after'} {edge}"


def repetition(value: str) -> str:
    """`every 2 weeks on Monday and Friday, 10 times` for a rule; a rule that is not known as it is."""
    rule = dict(part.split("=", 1) for part in value.upper().split(";") if "=" in part)
    unit = _EVERY.get(rule.get("FREQ", ""))
    if unit is None:
        return value
    interval = rule.get("INTERVAL", "1")
    words = f"every {unit}" if interval == "1" else f"every {interval} {unit}s"
    days = rule.get("BYDAY", "").split(",") if rule.get("BYDAY") else []
    if days == _WORKDAYS:
        words += " on workdays"
    elif days:
        words += f" on {_listed(_day(day, rule.get('BYSETPOS', '')) for day in days)}"
    if numbers := rule.get("BYMONTHDAY"):
        words += f" on day {_listed(numbers.replace('-1', 'last').split(','))} of the month"
    if months := rule.get("BYMONTH"):
        words += f" in {_listed(_MONTHS[int(month) - 1] for month in months.split(',') if _is_month(month))}"
    if times := [rule[name] for name in ("BYHOUR", "BYMINUTE") if name in rule]:
        words += f" at {':'.join(f'{each:0>2}' for each in times)}"
    if count := rule.get("COUNT"):
        words += f", {count} times"
    return words


def _is_month(month: str) -> bool:
    return month.isascii() and month.isdigit() and 1 <= int(month) <= len(_MONTHS)


def _day(day: str, position: str) -> str:
    found = _DAY.fullmatch(day)
    name = _DAYS.get(found[2], day) if found else day
    number = (found[1] if found else "") or position
    try:
        return f"the {_ORDINALS.get(int(number), f'{number}.')} {name}" if number else name
    except ValueError:
        return f"{number} {name}"


def _listed(words: Iterable[str]) -> str:
    *others, last = list(words) or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _counted(count: int, unit: str) -> str:
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
