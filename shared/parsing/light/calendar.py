"""iCalendar: what an invitation or a file of appointments says."""

import re
from collections.abc import Iterator

from shared.parsing.assembly import Assembly
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits

_LABELS = {"DTSTART": "Start", "DTEND": "End", "DUE": "Due", "DURATION": "Duration", "RRULE": "Repeats"}
_LABELS |= {"LOCATION": "Place", "ORGANIZER": "Organizer", "ATTENDEE": "Attendee", "STATUS": "Status", "URL": "Link"}
_LABELS |= {"CATEGORIES": "Categories", "CONTACT": "Contact", "PERCENT-COMPLETE": "Done in percent"}
_PROSE = ("DESCRIPTION", "COMMENT")
_ENTRIES = frozenset({"VEVENT", "VTODO", "VJOURNAL"})
_FOLD = re.compile(r"\n[ \t]")
_PARAMETER = re.compile(r';([\w-]+)=("[^"]*"|[^";:]*)')
_NAME = re.compile(r"[\w-]+")
_ESCAPED = re.compile(r"\\([nN,;:\\])")
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?")


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    read_into(assembly, decode(content))
    return assembly.finish()


def read_into(assembly: Assembly, text: str, level: int = 1, *, with_prose: bool = True) -> None:
    """Adds each entry: what it is about as a heading of a `level`, a line for each of its fields, what is written."""
    open_parts: list[str] = []
    lines: list[str] = []
    summary, prose = "", list[str]()
    for name, parameters, value in _properties(text):
        if name == "BEGIN":
            open_parts.append(value.strip().upper())
            if open_parts[-1] in _ENTRIES:
                lines, summary, prose = [], "", []
        elif name == "END":
            if open_parts and open_parts.pop() in _ENTRIES:
                assembly.heading(level, summary)
                assembly.paragraph("\n".join(lines))
                for paragraph in "\n\n".join(prose).split("\n\n") if with_prose else ():
                    assembly.paragraph(paragraph)
        elif open_parts and open_parts[-1] in _ENTRIES:
            visible = _visible(parameters, value)
            if name == "SUMMARY":
                summary = visible
            elif name in _PROSE:
                prose.append(visible)
            elif name in _LABELS and visible:
                lines.append(f"{_LABELS[name]}: {visible}")
        elif name == "X-WR-CALNAME":
            assembly.title = assembly.title or _visible(parameters, value)


def _properties(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yields each property's name, parameters and value."""
    for line in _FOLD.sub("", text).split("\n"):
        found = _NAME.match(line)
        place = found.end() if found else 0
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(line, place):
            parameters[parameter[1].upper()] = parameter[2].strip('"')
            place = parameter.end()
        if found and line[place : place + 1] == ":":
            yield found[0].upper(), parameters, line[place + 1 :]


def _visible(parameters: dict[str, str], value: str) -> str:
    value = _ESCAPED.sub(lambda escaped: "\n" if escaped[1] in "nN" else escaped[1], value).strip()
    if parameters.get("CN"):
        return f"{parameters['CN']}, {value}"
    if found := _MOMENT.fullmatch(value):
        year, month, day, hour, minute, _, is_utc = found.groups()
        zone = " UTC" if is_utc else f" ({parameters['TZID']})" if parameters.get("TZID") else ""
        return f"{year}-{month}-{day}" + (f" {hour}:{minute}{zone}" if hour else "")
    return value
