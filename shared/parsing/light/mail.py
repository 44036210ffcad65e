"""Parses mails and saved web pages (MHTML): both are MIME."""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from typing import Any

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light import csv, html
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

FIELDS = ("From", "To", "Cc", "Date")
"""What is written of a mail's head, above its text."""

MOST_PARTS = 1000
_TABLES = frozenset({"csv", "tab-separated-values", "comma-separated-values"})
_CALENDAR = {"SUMMARY": "", "DTSTART": "Start", "DTEND": "End", "LOCATION": "Place", "ORGANIZER": "Organizer"}
_CALENDAR |= {"ATTENDEE": "Attendee", "DESCRIPTION": ""}
_ESCAPED = re.compile(r"\\([nN,;\\])")


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    message = message_from_bytes(content, policy=policy.default)
    assembly = Assembly(limits)
    assembly.title = _field(message, "Subject")
    parts = list(_parts(message, limits))
    is_saved_page = message.get_content_type() == "multipart/related" and "@" not in message.get("From", "")
    if not is_saved_page:
        _head(assembly, message, parts)
    for part in parts:
        if part.is_multipart():
            for inner in _messages(part.get_payload()):
                _head(assembly, inner, [], level=2)
        elif part.get_content_maintype() == "text":
            _write(assembly, part, limits)
    return assembly.finish()


def _head(assembly: Assembly, message: Message, parts: list[EmailMessage], level: int = 1) -> None:
    """Adds sender, date and subject above a mail's text; a mail within the mail has a `level` of 2."""
    assembly.heading(level, _field(message, "Subject"))
    lines = [f"{name}: {value}" for name in FIELDS if (value := _field(message, name))]
    attached = [name for part in parts if (name := _filename(part))]
    if attached:
        lines.append(f"Attachments: {', '.join(attached)}")
    assembly.paragraph("\n".join(lines))


def _parts(message: Message, limits: ParsingLimits) -> Iterator[EmailMessage]:
    """Yields the leaf parts in order, and each mail within the mail before its parts.

    Of the alternatives of one text only the last that is prose counts.
    """
    waiting: list[tuple[Message, int]] = [(message, 1)]
    for _ in range(MOST_PARTS):
        if not waiting:
            return
        part, depth = waiting.pop()
        if depth > limits.depth:
            raise too_deep(limits)
        inner = part.get_payload() if part.is_multipart() else None
        if not isinstance(inner, list):
            yield part  # type: ignore[misc]  # the policy makes every part an EmailMessage
        elif part.get_content_type() == "multipart/alternative":
            forms = _messages(inner)
            known = [form for form in forms if form.is_multipart() or form.get_content_maintype() == "text"]
            known = [form for form in known if form.get_content_type() != "text/calendar"] or known
            waiting += [(each, depth + 1) for each in (known or forms)[-1:]]  # the richest form that is parsed
        else:
            if part.get_content_type() == "message/rfc822":
                yield part  # type: ignore[misc]  # the policy makes every part an EmailMessage
            waiting += [(each, depth + 1) for each in reversed(_messages(inner))]


def _messages(parts: Any) -> list[Message]:
    return [part for part in parts if isinstance(part, Message)]


def _write(assembly: Assembly, part: EmailMessage, limits: ParsingLimits) -> None:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise Rejected("corrupt", "one of its parts cannot be read")
    text = decode(content, part.get_content_charset())
    if part.get_content_subtype() in {"html", "xhtml+xml"}:
        html.read_into(assembly, text, limits)
    elif part.get_content_subtype() in _TABLES:
        csv.read_into(assembly, text, limits)
    elif part.get_content_subtype() == "calendar":
        _calendar(assembly, text)
    elif part.get_content_subtype() != "css":
        for paragraph in text.split("\n\n"):
            assembly.paragraph(paragraph)


def _calendar(assembly: Assembly, text: str) -> None:
    """Adds what an invitation says, a line for each of its fields; times with their zone."""
    lines = []
    for line in re.sub(r"\n[ \t]", "", text).split("\n"):
        name, _, value = line.partition(":")
        field, *parameters = name.split(";")
        label = _CALENDAR.get(field.upper())
        if label is None or not value.strip():
            continue
        value = _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
        zone = next((f" ({each[5:]})" for each in parameters if each.upper().startswith("TZID=")), "")
        person = next((f"{each[3:].strip(chr(34))}, " for each in parameters if each.upper().startswith("CN=")), "")
        visible = f"{person}{_time(value)}{zone}"
        lines.append(f"{label}: {visible}" if label else visible)
    assembly.paragraph("\n".join(lines))


def _time(value: str) -> str:
    if not (found := re.fullmatch(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)\d\d(Z?))?", value.strip())):
        return value
    year, month, day, hour, minute, zone = found.groups()
    return f"{year}-{month}-{day}" + (f" {hour}:{minute}{' UTC' if zone else ''}" if hour else "")


def _field(message: Message, name: str) -> str:
    """A header's text; empty where it is malformed, for which the library raises."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, TypeError, IndexError, AttributeError, LookupError):
        return ""


def _filename(part: Message) -> str:
    try:
        return " ".join((part.get_filename() or "").split())
    except (ValueError, TypeError, IndexError, AttributeError, LookupError):
        return ""
