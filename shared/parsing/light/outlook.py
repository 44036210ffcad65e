"""Parses the mails that Outlook saves (MSG): compound files with one stream for each property."""

import struct
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from io import BytesIO
from typing import Any

from shared.parsing.assembly import Assembly
from shared.parsing.attachments import Attachment
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light.mail_writing import DEEPEST, Mail, MailText, write_mail
from shared.parsing.light.rtf_compression import expanded
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

_SUBJECT, _BODY, _HTML, _RICH, _CODE_PAGE, _HTML_CODE_PAGE = 0x0037, 0x1000, 0x1013, 0x1009, 0x3FFD, 0x3FDE
_SENDER, _SENDER_ADDRESSES = (0x0C1A, 0x0042), (0x5D01, 0x5D02, 0x0C1F, 0x0065)
_SENT = (0x0039, 0x0E06)
_PERSON, _PERSON_ADDRESSES, _ROLE = 0x3001, (0x39FE, 0x3003), 0x0C15
_FILE_NAMES, _FILE, _FILE_TYPE, _CONTENT_ID, _IS_HIDDEN = (0x3707, 0x3704, 0x3001), 0x3701, 0x370E, 0x3712, 0x7FFE
_DISPLAYED = {"To": 0x0E04, "Cc": 0x0E03}
_PROPERTIES, _ENTRY = "__properties_version1.0", struct.Struct("<HHIQ")
_START = datetime(1601, 1, 1, tzinfo=UTC)


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    import olefile

    assembly = Assembly(limits)
    try:
        with olefile.OleFileIO(BytesIO(content)) as file:
            streams = {"/".join(path).casefold(): path for path in file.listdir()}
            mail = _Storage(file, streams, _names(streams), "").mail(1)
    except (OSError, ValueError, struct.error, IndexError, TypeError, AttributeError) as error:
        raise Rejected("corrupt", "it is damaged, or no mail of Outlook") from error
    assembly.title = mail.subject
    write_mail(assembly, mail, limits)
    return assembly.finish()


class _Storage:
    """A mail, a recipient or an attachment: the streams below a prefix."""

    def __init__(
        self, file: Any, streams: dict[str, list[str]], names: dict[str, set[str]], prefix: str, head: int = 32
    ) -> None:
        self._file = file
        self._streams = streams
        self._names = names
        self._prefix = prefix
        self._numbers = dict(self._fixed(head))
        self.encoding = "cp1252"

    def mail(self, depth: int) -> Mail:
        self.encoding = encoding_of(self._numbers.get(_CODE_PAGE, 0)) or self.encoding
        attached: list[Attachment | Mail] = []
        names: list[str] = []
        for number, storage in enumerate(self._inner("__attach_version1.0_#"), 1):
            name = next(filter(None, map(storage.text, _FILE_NAMES)), "")
            names += [name] if name else []
            if f"{storage._prefix}__substg1.0_3701000d/" in self._names:
                if depth < DEEPEST:
                    inner = storage._below("__substg1.0_3701000d/", 24)
                    attached.append(inner.mail(depth + 1))
            elif not (storage.text(_CONTENT_ID) and storage._numbers.get(_IS_HIDDEN, 0) & 0xFF):
                attached.append(
                    Attachment(name or f"attachment {number}", storage.binary(_FILE), storage.text(_FILE_TYPE))
                )
        texts = self._texts()
        if not texts and (rich := expanded(self.binary(_RICH))):
            attached.insert(0, Attachment("message.rtf", rich, "application/rtf"))
        return Mail(self.text(_SUBJECT), self._head(), texts, names, attached)

    def _head(self) -> list[tuple[str, str]]:
        roles: dict[int, list[str]] = {}
        for storage in self._inner("__recip_version1.0_#"):
            roles.setdefault(storage._numbers.get(_ROLE, 1), []).append(
                _address(storage.text(_PERSON), storage._first(_PERSON_ADDRESSES))
            )
        sender = _address(self._first(_SENDER), self._first(_SENDER_ADDRESSES))
        to, cc = (", ".join(filter(None, roles.get(role, ()))) for role in (1, 2))
        sent = next((self._numbers[one] for one in _SENT if self._numbers.get(one)), 0)
        return [
            ("From", sender),
            ("To", to or self.text(_DISPLAYED["To"])),
            ("Cc", cc or self.text(_DISPLAYED["Cc"])),
            ("Date", format_datetime(_START + timedelta(microseconds=sent // 10)) if sent else ""),
        ]

    def _texts(self) -> list[MailText]:
        """The body: as a page, else as plain text; none where only rich text is stored."""
        page = self.text(_HTML)
        if not page and (stored := self.binary(_HTML).rstrip(b"\0")):
            page = decode(stored, encoding_of(self._numbers.get(_HTML_CODE_PAGE, 0)))
        if any(map(str.isalnum, page)):
            return [MailText("html", page)]
        plain = self.text(_BODY).replace("\r\n", "\n")
        return [MailText("plain", plain)] if plain.strip() else []

    def text(self, tag: int) -> str:
        if stored := self._stream(f"__substg1.0_{tag:04x}001f"):
            return stored.decode("utf-16-le", "replace").rstrip("\0")
        return self._stream(f"__substg1.0_{tag:04x}001e").decode(self.encoding, "replace").rstrip("\0")

    def binary(self, tag: int) -> bytes:
        return self._stream(f"__substg1.0_{tag:04x}0102")

    def _first(self, tags: tuple[int, ...]) -> str:
        return next(filter(None, map(self.text, tags)), "")

    def _stream(self, name: str) -> bytes:
        path = self._streams.get(self._prefix + name)
        if path is None:
            return b""
        with self._file.openstream(path) as stream:
            content: bytes = stream.read()
            return content

    def _inner(self, name: str) -> Iterator["_Storage"]:
        """Yields the recipients or the attachments."""
        for each in sorted(self._names.get(self._prefix, ())):
            if each.startswith(name):
                yield self._below(f"{each}/", 8)

    def _below(self, prefix: str, head: int) -> "_Storage":
        inner = _Storage(self._file, self._streams, self._names, self._prefix + prefix, head)
        inner.encoding = self.encoding
        return inner

    def _fixed(self, head: int) -> Iterator[tuple[int, int]]:
        """Yields the properties that are numbers."""
        stored = self._stream(_PROPERTIES)
        for place in range(head, len(stored) - _ENTRY.size + 1, _ENTRY.size):
            _, tag, _, value = _ENTRY.unpack_from(stored, place)
            yield tag, value


def _names(paths: Iterable[str]) -> dict[str, set[str]]:
    """What lies directly below each prefix."""
    names: dict[str, set[str]] = {}
    for path in paths:
        prefix = ""
        for name in path.split("/"):
            names.setdefault(prefix, set()).add(name)
            prefix += f"{name}/"
    return names


def _address(name: str, address: str) -> str:
    address = address if "@" in address else ""
    return f"{name} <{address}>" if name and address and name != address else name or address


def encoding_of(code_page: int) -> str | None:
    """The name of a code page; None where it has none."""
    known = {65001: "utf-8", 20127: "cp1252", 28591: "cp1252", 20866: "koi8-r", 50220: "iso2022_jp", 51932: "euc_jp"}
    known |= {28590 + part: f"iso8859-{part}" for part in range(2, 17)} | {936: "gbk", 54936: "gb18030"}
    name = known.get(code_page & 0xFFFFFFFF, f"cp{code_page & 0xFFFFFFFF}")
    try:
        "".encode(name)
    except LookupError:
        return None
    return name
