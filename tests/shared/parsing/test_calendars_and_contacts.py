"""Calendars and contacts are read in words."""

import pytest

from shared.formats.router import FormatRouter
from shared.parsing.light.parsers import parse_light
from shared.parsing.limits import ParsingLimits


def lines(media_type: str, text: str) -> list[str]:
    document = parse_light(media_type, text.replace("\n", "\r\n").encode(), ParsingLimits())
    return [line for block in document.blocks for line in block.text.split("\n")]


def entry(*fields: str) -> list[str]:
    body = "\n".join(fields)
    return lines("text/calendar", f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Race\n{body}\nEND:VEVENT\nEND:VCALENDAR\n")


def test_a_calendar_says_its_name_and_its_time_zone() -> None:
    text = "BEGIN:VCALENDAR\nX-WR-CALNAME:Club\nX-WR-TIMEZONE:Europe/Oslo\nX-WR-CALDESC:All\\, really\nEND:VCALENDAR\n"
    assert lines("text/calendar", text) == ["Club", "Time zone: Europe/Oslo", "All, really"]


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("DTSTART;TZID=Europe/Oslo:20260401T090000", "Start: 2026-04-01 09:00 (Europe/Oslo)"),
        ('DTSTART;TZID="W. Europe, Standard":20260401T090000', "Start: 2026-04-01 09:00 (W. Europe, Standard)"),
        ("DTEND;VALUE=DATE:20260502", "End: 2026-05-01"),
        ("DURATION:PT1H30M", "Duration: 1 hour 30 minutes"),
        ("RRULE:FREQ=DAILY", "Repeats: every day"),
        (
            "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE,FR;COUNT=10",
            "Repeats: every 2 weeks on Monday, Wednesday and Friday, 10 times",
        ),
        (
            "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;UNTIL=20260501T000000Z",
            "Repeats: every week on workdays, until 2026-05-01 00:00 UTC",
        ),
        ("RRULE:FREQ=MONTHLY;BYDAY=1MO,-1FR", "Repeats: every month on the first Monday and the last Friday"),
        ("RRULE:FREQ=MONTHLY;BYDAY=TU;BYSETPOS=2", "Repeats: every month on the second Tuesday"),
        ("RRULE:FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=17", "Repeats: every year on day 17 of the month in May"),
        ("RRULE:FREQ=SOMETIMES", "Repeats: FREQ=SOMETIMES"),
        ("EXDATE:20260408T090000Z,20260415T090000Z", "Not on: 2026-04-08 09:00 UTC, 2026-04-15 09:00 UTC"),
        ('ATTENDEE;CN="Vik, Nora":mailto:n@a.example', "Attendee: Vik, Nora, mailto:n@a.example"),
        ("LOCATION:Pier 3\\, nor\n th quay", "Place: Pier 3, north quay"),
    ],
)
def test_a_field_of_an_appointment_is_read_in_words(field: str, line: str) -> None:
    assert entry(field) == ["Race", line]


@pytest.mark.parametrize(
    ("trigger", "line"),
    [
        ("TRIGGER:-PT15M", "15 minutes before the start"),
        ("TRIGGER;RELATED=END:PT5M", "5 minutes after the end"),
        ("TRIGGER:-P1D", "1 day before the start"),
        ("TRIGGER:PT0S", "at the start"),
        ("TRIGGER;VALUE=DATE-TIME:20260401T080000Z", "2026-04-01 08:00 UTC"),
    ],
)
def test_a_reminder_is_read(trigger: str, line: str) -> None:
    alarm = ("BEGIN:VALARM", "ACTION:DISPLAY", trigger, "DESCRIPTION:Bring oars", "END:VALARM")
    assert entry(*alarm) == ["Race", f"Reminder: {line}, Bring oars"]


def test_contacts_are_read_as_lines() -> None:
    card = (
        "BEGIN:VCARD\nVERSION:3.0\nN:Vik;Nora;;Dr.;\nFN:Dr. Nora Vik\nORG:Harbour\\, Ltd;Pilots\nTITLE:Pilot\n"
        "item1.TEL;TYPE=CELL,VOICE;TYPE=pref:+47 123\nEMAIL;TYPE=INTERNET:n@a.example\n"
        "ADR;TYPE=WORK:;;Pier 3;Oslo;;0150;Norway\nBDAY:19800517\nNOTE:Knows the\n  fjord\\nwell\n"
        "PHOTO;ENCODING=b:AAAA\n BBBB\nEND:VCARD\n"
        "BEGIN:VCARD\nVERSION:4.0\nN:Aune;Bo;;;\nTEL;VALUE=uri:tel:+47-5\nEND:VCARD\n"
    )
    assert lines("text/vcard", card) == [
        "Dr. Nora Vik",
        "Organization: Harbour, Ltd, Pilots",
        "Title: Pilot",
        "Phone (cell): +47 123",
        "Mail: n@a.example",
        "Address (work): Pier 3, Oslo, 0150, Norway",
        "Birthday: 1980-05-17",
        "Note: Knows the fjord well",
        "Bo Aune",
        "Phone: +47-5",
    ]


def test_a_contact_of_1996_is_read_in_its_character_set() -> None:
    card = (
        "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=B6we;J=C3=BCrg\n"
        "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=ISO-8859-1:Gr=FC=\n=DFe aus K=F6ln\nTEL;HOME;VOICE:0221\nEND:VCARD\n"
    )
    assert lines("text/vcard", card) == ["Jürg Möwe", "Note: Grüße aus Köln", "Phone (home): 0221"]


def test_a_contact_is_known_by_what_it_holds() -> None:
    head = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nEND:VCARD\r\n"
    for name in ("a.vcf", "a.txt", "a"):
        assert FormatRouter().route(name, None, head, len(head)).media_type == "text/vcard"
