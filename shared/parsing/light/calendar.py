"""iCalendar: what an invitation or a file of appointments says."""

import re
from datetime import date, timedelta

from msgspec import Struct, field

from shared.parsing.assembly import Assembly
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light.content_lines import ContentLine, content_lines, unescaped
from shared.parsing.light.recurrence import duration, reminder, repetition
from shared.parsing.limits import ParsingLimits

_LABELS = {"DTSTART": "Start", "DTEND": "End", "DUE": "Due", "DURATION": "Duration", "RRULE": "Repeats"}
_LABELS |= {"LOCATION": "Place", "ORGANIZER": "Organizer", "ATTENDEE": "Attendee", "STATUS": "Status", "URL": "Link"}
_LABELS |= {"CATEGORIES": "Categories", "CONTACT": "Contact", "PERCENT-COMPLETE": "Done in percent"}
_LABELS |= {"EXDATE": "Not on", "RDATE": "Also on", "RECURRENCE-ID": "Instead of", "COMPLETED": "Done"}
_LABELS |= {"RESOURCES": "Resources", "CONFERENCE": "Conference", "FREEBUSY": "Busy"}
_PROSE = ("DESCRIPTION", "COMMENT")
_ENTRIES = frozenset({"VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"})
_ALARM = "VALARM"
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?")


class _Entry(Struct):
    """An appointment, a task or a note; `alarm` is the text of the reminder that is open."""

    summary: str = ""
    lines: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    alarm: dict[str, str] = field(default_factory=dict)


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    read_into(assembly, decode(content))
    return assembly.finish()


def read_into(assembly: Assembly, text: str, level: int = 1, *, with_prose: bool = True) -> None:
    """Adds each entry: what it is about as a heading of a `level`, a line for each of its fields, what is written."""
    open_parts: list[str] = []
    entry = _Entry()
    for line in content_lines(text):
        if line.name == "BEGIN":
            open_parts.append(line.value.strip().upper())
            if open_parts[-1] in _ENTRIES:
                entry = _Entry()
        elif line.name == "END":
            ended = open_parts.pop() if open_parts else ""
            if ended in _ENTRIES:
                _write(assembly, entry, level, with_prose=with_prose)
            elif ended == _ALARM:
                _end_alarm(entry)
        elif open_parts and open_parts[-1] in _ENTRIES:
            _add(entry, line)
        elif open_parts and open_parts[-1] == _ALARM:
            _add_to_alarm(entry, line)
        elif line.name == "X-WR-CALNAME" or (line.name == "NAME" and not assembly.title):
            assembly.title = assembly.title or unescaped(line.value)
            assembly.heading(level, unescaped(line.value))
        elif line.name in {"X-WR-CALDESC", "DESCRIPTION", "X-WR-TIMEZONE"} and len(open_parts) == 1:
            label = "Time zone: " if line.name == "X-WR-TIMEZONE" else ""
            assembly.paragraph(label + unescaped(line.value))


def _write(assembly: Assembly, entry: _Entry, level: int, *, with_prose: bool) -> None:
    assembly.heading(level, entry.summary)
    assembly.paragraph("\n".join(entry.lines))
    for paragraph in "\n\n".join(entry.prose).split("\n\n") if with_prose else ():
        assembly.paragraph(paragraph)


def _add(entry: _Entry, line: ContentLine) -> None:
    visible = _visible(line)
    if line.name == "SUMMARY":
        entry.summary = visible
    elif line.name in _PROSE:
        entry.prose.append(visible)
    elif line.name in _LABELS and visible:
        entry.lines.append(f"{_LABELS[line.name]}: {visible}")


def _add_to_alarm(entry: _Entry, line: ContentLine) -> None:
    if line.name == "TRIGGER":
        of_end = line.parameters.get("RELATED", "").upper() == "END"
        entry.alarm["when"] = reminder(line.value.strip(), of_end=of_end) or _visible(line)
    elif line.name in {"DESCRIPTION", "SUMMARY"}:
        entry.alarm.setdefault(line.name, unescaped(line.value))


def _end_alarm(entry: _Entry) -> None:
    texts = {entry.alarm.get(name, "") for name in ("SUMMARY", "DESCRIPTION")} - {"", entry.summary, *entry.prose}
    when = ", ".join(filter(None, (entry.alarm.get("when", ""), *sorted(texts))))
    if when:
        entry.lines.append(f"Reminder: {when}")
    entry.alarm = {}


def _visible(line: ContentLine) -> str:
    parameters, value = line.parameters, line.value.strip()
    match line.name:
        case "RRULE":
            return _rule(value)
        case "DURATION":
            return duration(value)
        case "DTSTART" | "DTEND" | "DUE" | "EXDATE" | "RDATE" | "RECURRENCE-ID" | "COMPLETED" | "TRIGGER" | "FREEBUSY":
            moments = (_moment(each, parameters, is_end=line.name == "DTEND") for each in value.split(","))
            return ", ".join(moments)
    value = unescaped(value)
    return f"{parameters['CN']}, {value}" if parameters.get("CN") else value


def _rule(value: str) -> str:
    words = repetition(value)
    until = re.search(r"UNTIL=([^;]+)", value, re.IGNORECASE)
    return f"{words}, until {_moment(until[1], {}, is_end=False)}" if until and words != value else words


def _moment(value: str, parameters: dict[str, str], *, is_end: bool) -> str:
    """A date or a time with its zone. The end of whole days is the day after the last one: the last one is written."""
    if "/" in value:
        begin, _, end = value.partition("/")
        return f"{_moment(begin, parameters, is_end=False)} – {duration(_moment(end, parameters, is_end=False))}"
    found = _MOMENT.fullmatch(value)
    if found is None:
        return unescaped(value)
    year, month, day, hour, minute, _, is_utc = found.groups()
    if hour:
        zone = " UTC" if is_utc else f" ({parameters['TZID']})" if parameters.get("TZID") else ""
        return f"{year}-{month}-{day} {hour}:{minute}{zone}"
    try:
        return str(date(int(year), int(month), int(day)) - timedelta(days=int(is_end)))
    except (ValueError, OverflowError):
        return f"{year}-{month}-{day}"
