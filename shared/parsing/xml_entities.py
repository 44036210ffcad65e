"""Entities that an XML document declares for itself."""

import codecs
import re
from collections.abc import Mapping
from html.entities import html5

from shared.types.errors import Rejected

FRONT_BYTES = 1024 * 1024
"""Declarations stand before the first element."""

LARGEST = 64 * 1024
"""Characters that one entity may become; and all that are used in a document, above its own length."""

_UNMARKED = {b"<\x00?\x00": "utf-16-le", b"\x00<\x00?": "utf-16-be"}
"""How a declaration begins in an encoding without a byte order mark."""

_DECLARED = re.compile(r"<!ENTITY\s+([^\s%&;\"'<>]{1,200})\s+(?:\"([^\"]*)\"|'([^']*)')")
_USED = re.compile(r"&([^\s&;#]{1,200});")
_DECLARED_NAME = re.compile(rb"<!ENTITY\s+([^\s%&;\"'<>]{1,200})\s")
_HTML_NAME = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31});")
_DOCTYPE = re.compile(r"<!DOCTYPE\s[^\[<>]*+\[")


def check_entities(content: bytes) -> None:
    """Raises Rejected("too-large-expanded") where entities multiply. None is ever fetched from outside."""
    text = _decoded(content[:FRONT_BYTES])
    start = _DOCTYPE.search(text)
    if start is None or "<!ENTITY" not in text:
        return
    declared = {name: first or second for name, first, second in _DECLARED.findall(text, start.end())}
    lengths: dict[str, int] = {}
    for name in declared:
        _measure(name, declared, lengths)
    used = _USED.findall(_decoded(content)) if len(content) > FRONT_BYTES else _USED.findall(text)
    total = sum(lengths.get(name, 0) for name in used)
    if max(lengths.values(), default=0) > LARGEST or total > LARGEST + len(content):
        raise Rejected("too-large-expanded", "the entities that it declares multiply")


def with_html_entities(content: bytes) -> bytes:
    """Entities that HTML names and the document does not declare, as numbers; CDATA stays as it is."""
    declared = set(_DECLARED_NAME.findall(content)) | {b"amp", b"lt", b"gt", b"quot", b"apos"}

    def number(found: re.Match[bytes]) -> bytes:
        character = "" if found[1] in declared else html5.get(f"{found[1].decode()};", "")
        return b"".join(b"&#%d;" % ord(each) for each in character) or found[0]

    written, place = [], 0
    while (start := content.find(b"<![CDATA[", place)) >= 0 and (end := content.find(b"]]>", start)) >= 0:
        written += [_HTML_NAME.sub(number, content[place:start]), content[start:end]]
        place = end
    return b"".join([*written, _HTML_NAME.sub(number, content[place:])])


def _measure(name: str, declared: Mapping[str, str], lengths: dict[str, int]) -> None:
    """Fills `lengths`, innermost first, without recursion; entities that hold themselves are endless."""
    waiting, opened = [name], set[str]()
    while waiting:
        current = waiting.pop()
        if current in lengths:
            continue
        inner = [used for used in _USED.findall(declared[current]) if used in declared]
        if missing := [used for used in inner if used not in lengths]:
            if current in opened:
                raise Rejected("too-large-expanded", "the entities that it declares hold themselves")
            opened.add(current)
            waiting += [current, *missing]
        else:
            lengths[current] = min(LARGEST + 1, len(declared[current]) + sum(lengths[used] for used in inner))


def _decoded(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    return content.decode(_UNMARKED.get(content[:4], "utf-8"), "replace")
