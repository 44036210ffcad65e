"""A mail, whatever format it is stored in, and how it is written: its head, its text, what is attached to it."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Literal, cast
from urllib.parse import urljoin

from msgspec import Struct

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.attachments import Attachment, write_attachments
from shared.parsing.light import calendar, html
from shared.parsing.light.html_styles import StyleSheets
from shared.parsing.limits import ParsingLimits

FIELDS = ("From", "To", "Cc", "Date")
"""What is written of a mail's head, above its text."""

DEEPEST = 60
"""Mails inside of mails."""


class MailText(Struct, frozen=True):
    """Some of a mail's own text. An `appendix` says again what another part says in prose. A page has its `location`,
    and the style `sheets` that came with it by theirs."""

    kind: Literal["plain", "html", "calendar"]
    text: str
    appendix: bool = False
    location: str = ""
    sheets: Mapping[str, str] = {}

    def find_sheet(self, address: str, base: str) -> tuple[str, str] | None:
        try:
            whole = urljoin(base or self.location, address)
        except ValueError:
            whole = address
        name = next((each for each in (address, whole) if each in self.sheets), None)
        return (self.sheets[name], name) if name is not None else None


class Mail(Struct, frozen=True):
    """`fields` are lines of its head; `names` are those of all that came with it; what is `attached` is read."""

    subject: str
    fields: Sequence[tuple[str, str]]
    texts: Sequence[MailText]
    names: Sequence[str]
    attached: Sequence["Attachment | Mail"]


def write_mail(assembly: Assembly, mail: Mail, limits: ParsingLimits, level: int = 1) -> None:
    if level > min(DEEPEST, limits.depth):
        raise too_deep(limits)
    assembly.heading(level, mail.subject)
    lines = [f"{name}: {value}" for name, value in mail.fields if value]
    if mail.names:
        lines.append(f"Attachments: {', '.join(mail.names)}")
    assembly.paragraph("\n".join(lines))
    for text in mail.texts:
        _write_text(assembly, text, limits, level)
    for kind, run in groupby(mail.attached, type):
        if kind is Mail:
            for inner in run:
                write_mail(assembly, cast(Mail, inner), limits, level + 1)
        else:
            write_attachments(assembly, cast(Iterable[Attachment], run), limits, level + 1)


def _write_text(assembly: Assembly, text: MailText, limits: ParsingLimits, level: int) -> None:
    if text.kind == "html":
        html.read_into(assembly, text.text, limits, styles=StyleSheets.of(text.text, text.find_sheet))
    elif text.kind == "calendar":
        calendar.read_into(assembly, text.text, level + 1, with_prose=not text.appendix)
    else:
        for paragraph in text.text.split("\n\n"):
            assembly.paragraph(paragraph)
