"""Parses mails, mailboxes of many mails and saved web pages (MHTML): all of them are MIME."""

import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import Message
from itertools import islice, pairwise
from typing import NamedTuple

from msgspec.structs import replace

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.attachments import Attachment
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light.mail_writing import FIELDS, Mail, MailText, write_mail
from shared.parsing.light.tnef import is_tnef, packed_mail
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

MOST_PARTS = 1000
_MAILBOX_LINE = re.compile(rb"(?:\A|\n\r?\n)From [^\r\n]{1,300}\d{4}(?: [+-]\d{4})?[ \t]*\r?\n(?=[A-Za-z][\w-]{0,60}:)")
_UNDECLARED = re.compile("[\udc80-\udcff]")
"""Bytes of a header that are neither ASCII nor encoded, as the library returns them."""

_QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
_TAG = re.compile(r"<(?:style|script)\b.*?(?:</|\Z)|<[^>]*(?:>|\Z)|&nbsp;", re.DOTALL | re.IGNORECASE)
_BODIES = frozenset({"text/plain", "text/html", "text/xhtml", "application/xhtml+xml", "text/enriched"})
_SIGNATURES = ("pkcs7-signature", "x-pkcs7-signature", "pgp-signature", "pgp-encrypted")
_FORWARDED = frozenset({"message/rfc822", "message/global"})


class _Part(NamedTuple):
    part: Message
    is_related: bool
    is_appendix: bool


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    for message in _messages(content):
        is_saved_page = message.get_content_type() == "multipart/related" and "@" not in message.get("From", "")
        mail = _mail(message, limits)
        assembly.title = assembly.title or mail.subject
        write_mail(assembly, Mail("", (), mail.texts, (), ()) if is_saved_page else mail, limits)
    return assembly.finish()


def _messages(content: bytes) -> Iterator[Message]:
    """Yields the mails of a mailbox, or the one mail that it is."""
    begins = [found.start() for found in _MAILBOX_LINE.finditer(content)] if content.startswith(b"From ") else []
    if not begins:
        yield message_from_bytes(content, policy=policy.default)
    for begin, end in pairwise([*begins, len(content)]):
        yield message_from_bytes(_QUOTED_FROM.sub(rb"\1", content[begin:end].lstrip()), policy=policy.default)


def _mail(message: Message, limits: ParsingLimits, depth: int = 1) -> Mail:
    texts: list[MailText] = []
    names: list[str] = []
    attached: list[Attachment | Mail] = []
    packed: list[Mail] = []
    parts = list(_parts(message, limits, depth))
    sheets = _sheets(parts)
    for number, (part, is_related, is_appendix) in enumerate(parts, 1):
        name, kind = _filename(part), part.get_content_type()
        if name:
            names.append(name)
        if part.is_multipart() or kind.startswith("message/"):
            if depth >= limits.depth:
                raise too_deep(limits)
            for inner in _messages_in(part):
                if kind in _FORWARDED:
                    mail = _mail(inner, limits, depth + 1)
                    attached.append(replace(mail, subject=mail.subject or name))
                else:
                    texts += _report(inner)
        elif text := _own_text(part, kind, name, is_appendix, sheets):
            texts.append(text)
        elif is_tnef(content := _content(part)):
            packed.append(packed_mail(content))
        elif not _is_beside(part, is_related):
            attached.append(Attachment(name or f"attachment {number}", content, kind))
    for inner_mail in packed:
        # The text of the mail is packed too, which is why it is read only where there is no other.
        texts += () if texts else inner_mail.texts
        names += inner_mail.names
        attached += inner_mail.attached
    fields = [(name, _field(message, name)) for name in FIELDS]
    return Mail(_field(message, "Subject"), fields, texts, names, attached)


def _parts(message: Message, limits: ParsingLimits, depth: int) -> Iterator[_Part]:
    """Yields the parts of a mail in order; a mail inside the mail is one of them.

    Of the alternatives of one text only the last that has words counts, and an invitation beside it.
    """
    waiting: list[tuple[_Part, int]] = [(_Part(message, False, False), depth)]
    for _ in range(MOST_PARTS):
        if not waiting:
            return
        part, depth = waiting.pop()
        if depth > limits.depth:
            raise too_deep(limits)
        inner = part.part.get_payload() if part.part.get_content_maintype() == "multipart" else None
        if not isinstance(inner, list):
            yield part
            continue
        forms = [one for one in inner if isinstance(one, Message)]
        kind = part.part.get_content_type()
        if kind == "multipart/alternative":
            found = _chosen(forms)
        else:
            found = [_Part(one, part.is_related or kind == "multipart/related", False) for one in forms]
        waiting += [(one, depth + 1) for one in reversed(found)]
    raise Rejected("too-large-expanded", f"it has more than {MOST_PARTS} parts")


def _chosen(forms: list[Message]) -> list[_Part]:
    calendars = [form for form in forms if form.get_content_type() == "text/calendar"]
    prose = [form for form in forms if form not in calendars]
    known = [form for form in prose if form.is_multipart() or form.get_content_maintype() == "text"]
    filled = (form for form in reversed(known) if form.is_multipart() or _has_words(form))
    richest = list(islice(filled, 1)) or (known or prose)[-1:]
    chosen = [_Part(form, False, False) for form in richest]
    return chosen + [_Part(form, False, bool(chosen)) for form in calendars]


def _has_words(part: Message) -> bool:
    try:
        text = _text(part)
    except Rejected:
        return False
    return any(map(str.isalnum, _TAG.sub(" ", text) if part.get_content_subtype() != "plain" else text))


def _messages_in(part: Message) -> list[Message]:
    payload = part.get_payload()
    inner = [one for one in payload if isinstance(one, Message)] if isinstance(payload, list) else []
    if part.get_content_type() in _FORWARDED and str(part.get("Content-Transfer-Encoding", "")).lower() == "base64":
        encoded = inner[0].get_payload() if inner else payload
        return [message_from_bytes(_base64(str(encoded)), policy=policy.default)]
    return inner


def _report(message: Message) -> Iterator[MailText]:
    """Yields the lines of a report on a mail, such as why it could not be delivered."""
    yield MailText("plain", "\n".join(f"{name}: {_field(message, name)}" for name in dict.fromkeys(message.keys())))
    if not message.is_multipart() and str(message.get_payload()).strip():
        yield MailText("plain", _text(message))


def _sheets(parts: Iterable[_Part]) -> dict[str, str]:
    """The style sheets among the parts, by what a page may call them."""
    sheets: dict[str, str] = {}
    for part, _, _ in parts:
        if part.get_content_type() == "text/css":
            with suppress(Rejected):
                text = _text(part)
                sheets[f"cid:{_field(part, 'Content-ID').strip('<>')}"] = text
                sheets[_field(part, "Content-Location")] = text
    sheets.pop("", None)
    return sheets


def _own_text(part: Message, kind: str, name: str, is_appendix: bool, sheets: Mapping[str, str]) -> MailText | None:
    """The part as text of the mail itself; None where it is a file that came with it."""
    if kind == "text/calendar" and part.get_content_disposition() != "attachment":
        return MailText("calendar", _text(part), is_appendix)
    if kind not in _BODIES or name or part.get_content_disposition() == "attachment":
        return None
    if kind == "text/plain":
        return MailText("plain", _text(part))
    return MailText("html", _text(part), location=_field(part, "Content-Location"), sheets=sheets)


def _is_beside(part: Message, is_related: bool) -> bool:
    """Whether a part belongs to the looks of a page, or proves who wrote the mail, and has no text of its own."""
    if part.get_content_subtype() in _SIGNATURES:
        return True
    kind = part.get_content_maintype()
    is_resource = kind in {"image", "audio", "video", "font"} or part.get_content_subtype() in {"css", "javascript"}
    return is_related and is_resource and part.get_content_disposition() != "attachment"


def _content(part: Message) -> bytes:
    """The bytes of a part; those of a text in UTF-8, as only the part says how they are encoded."""
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return b""
    if part.get_content_maintype() == "text":
        try:
            return decode(content, part.get_content_charset()).encode()
        except Rejected:
            return content
    return content


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise Rejected("corrupt", "one of its parts cannot be read")
    text = decode(content, part.get_content_charset())
    return _unflowed(part, text) if str(part.get_param("format", "")).lower() == "flowed" else text


def _unflowed(part: Message, text: str) -> str:
    """Joins the lines that end with a space: these were one."""
    space = "" if str(part.get_param("delsp", "")).lower() == "yes" else " "
    return re.sub(r"(?<!\n--) \n(?!>|\n|-- \n)", space, text.replace("\n ", "\n"))


def _base64(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text)
    except binascii.Error:
        return text.encode("utf-8", "replace")


def _field(message: Message, name: str) -> str:
    """A header's text; empty where it is malformed, for which the library raises."""
    try:
        written = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
        if _UNDECLARED.search(written):
            content = written.encode("utf-8", "surrogateescape")
            written = decode(content, message.get_content_charset())
            return " ".join(str(policy.default.header_factory(name, written)).split())
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, TypeError, IndexError, AttributeError, LookupError):
        return ""


def _filename(part: Message) -> str:
    try:
        return " ".join((part.get_filename() or "").split())
    except (ValueError, TypeError, IndexError, AttributeError, LookupError):
        return ""
