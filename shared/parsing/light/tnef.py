"""Parses what Outlook packs into one attachment of a mail (TNEF, often `winmail.dat`): its text and its files."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from shared.parsing.attachments import Attachment
from shared.parsing.decoding import decode
from shared.parsing.light.mail_writing import DEEPEST, Mail, MailText
from shared.parsing.light.outlook import encoding_of
from shared.parsing.light.rtf_compression import expanded

_SIGNATURE = struct.pack("<I", 0x223E9F78)
_ATTRIBUTE = struct.Struct("<BII")
_SUBJECT, _BODY, _CODE_PAGE, _PROPERTIES = 0x8004, 0x800C, 0x9007, 0x9003
_FILE_BEGINS, _FILE_DATA, _FILE_TITLE, _FILE_PROPERTIES = 0x9002, 0x800F, 0x8010, 0x9005
_TAG_SUBJECT, _TAG_BODY, _TAG_PAGE, _TAG_RICH = 0x0037, 0x1000, 0x1013, 0x1009
_TAG_DATA, _TAG_NAMES, _TAG_TYPE = 0x3701, (0x3707, 0x3704), 0x370E
_NARROW, _WIDE, _OBJECT, _BINARY, _MANY = 0x001E, 0x001F, 0x000D, 0x0102, 0x1000
_SIZES = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_NAMED = 0x8000
_INTERFACE = 16
"""Bytes before an object, which say of what kind it is."""


class _File(NamedTuple):
    title: bytes
    content: bytes
    properties: dict[int, bytes | str]


def is_tnef(content: bytes) -> bool:
    return content.startswith(_SIGNATURE)


def packed_mail(content: bytes, depth: int = 1) -> Mail:
    """The mail that was packed: as far as it can be read, where it is damaged."""
    values: dict[int, bytes] = {}
    files: list[_File] = []
    for number, value in _attributes(content):
        if number == _FILE_BEGINS:
            files.append(_File(b"", b"", {}))
        elif number in {_FILE_DATA, _FILE_TITLE, _FILE_PROPERTIES} and files:
            files[-1] = _with(files[-1], number, value)
        else:
            values.setdefault(number, value)
    code_page = int.from_bytes(values.get(_CODE_PAGE, b"")[:4], "little")
    encoding = encoding_of(code_page) or "cp1252"
    properties = dict(_properties(values.get(_PROPERTIES, b""), encoding))
    attached = [each for number, file in enumerate(files, 1) for each in _attached(file, number, encoding, depth)]
    texts = _texts(properties, values.get(_BODY, b""), encoding)
    if not texts and isinstance(rich := properties.get(_TAG_RICH), bytes) and (text := expanded(rich)):
        attached.insert(0, Attachment("message.rtf", text, "application/rtf"))
    subject = properties.get(_TAG_SUBJECT) or _text(values.get(_SUBJECT, b""), encoding)
    names = [each.name for each in attached if isinstance(each, Attachment) and each.name != "message.rtf"]
    return Mail(str(subject), (), texts, names, attached)


def _with(file: _File, number: int, value: bytes) -> _File:
    if number == _FILE_DATA:
        return file._replace(content=value)
    if number == _FILE_TITLE:
        return file._replace(title=value)
    return file._replace(properties=dict(_properties(value, "cp1252")))


def _texts(properties: dict[int, bytes | str], body: bytes, encoding: str) -> list[MailText]:
    page = properties.get(_TAG_PAGE, "")
    if isinstance(page, bytes):
        page = decode(page.rstrip(b"\0"), encoding) if page.strip(b"\0") else ""
    if any(map(str.isalnum, page)):
        return [MailText("html", page)]
    plain = properties.get(_TAG_BODY, "") or _text(body, encoding)
    return [MailText("plain", plain.replace("\r\n", "\n"))] if isinstance(plain, str) and plain.strip() else []


def _attached(file: _File, number: int, encoding: str, depth: int) -> Iterator[Attachment | Mail]:
    names = (file.properties.get(tag) for tag in _TAG_NAMES)
    name = next((str(each) for each in names if each), "") or _text(file.title, encoding) or f"attachment {number}"
    content = file.properties.get(_TAG_DATA) or file.content
    if isinstance(content, bytes) and is_tnef(content[_INTERFACE:]):
        content = content[_INTERFACE:]
    if isinstance(content, bytes) and is_tnef(content):
        if depth < DEEPEST:
            yield packed_mail(content, depth + 1)
    elif isinstance(content, bytes) and content:
        yield Attachment(name, content, str(file.properties.get(_TAG_TYPE, "")))


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    place = len(_SIGNATURE) + 2
    while place + _ATTRIBUTE.size <= len(content):
        _, number, length = _ATTRIBUTE.unpack_from(content, place)
        place += _ATTRIBUTE.size
        yield number & 0xFFFF, content[place : place + length]
        place += length + 2  # behind it stands a sum of its bytes


def _properties(content: bytes, encoding: str) -> Iterator[tuple[int, bytes | str]]:
    """Yields the properties that are texts or bytes; one that is damaged is the last."""
    place = 4
    for _ in range(min(int.from_bytes(content[:4], "little"), len(content) // 4)):
        if place + 4 > len(content):
            return
        kind, tag = struct.unpack_from("<HH", content, place)
        place = _after_name(content, place + 4) if tag >= _NAMED else place + 4
        if kind & ~_MANY in _SIZES and not kind & _MANY:
            place += _SIZES[kind]
            continue
        count, place = int.from_bytes(content[place : place + 4], "little"), place + 4
        for _ in range(min(count, len(content))):
            length = _SIZES.get(kind & ~_MANY) or int.from_bytes(content[place : place + 4], "little")
            place += 0 if kind & ~_MANY in _SIZES else 4
            value = content[place : place + length]
            place += length + -length % 4
            if kind in {_NARROW, _WIDE}:
                yield tag, _text(value, "utf-16-le" if kind == _WIDE else encoding)
            elif kind in {_OBJECT, _BINARY}:
                yield tag, value
            if place > len(content):
                return


def _after_name(content: bytes, place: int) -> int:
    """Behind the name of a property, which is a number or a text."""
    kind, length = struct.unpack_from("<II", content.ljust(place + 24, b"\0"), place + 16)
    return place + 24 + (length + -length % 4 if kind else 0)


def _text(value: bytes, encoding: str) -> str:
    return value.decode(encoding, "replace").rstrip("\0")
