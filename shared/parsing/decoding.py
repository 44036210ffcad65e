"""Bytes of text in whatever encoding they came."""

import codecs
import contextlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shared.formats.text import MOST_CONTROLS, control_share, legacy_control_share, unicode_encoding
from shared.parsing.legacy_encodings import likely_encoding
from shared.types.errors import Rejected

SAMPLE_BYTES = 64 * 1024
SCORED_BYTES = 8 * 1024
"""Enough letters to score them by how common they are; the score of each alphabet looks at every one."""

MOST_REPLACED = 0.01
"""Share of a text's characters that may be unreadable before the whole is called corrupt."""

_guessed_encodings: ContextVar[list[str] | None] = ContextVar("guessed_encodings", default=None)

_ESCAPES = re.compile(rb"\x1b\$[@ABC()]")
_HIGH = re.compile(rb"[\x80-\xff]")
_SEQUENCE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_WESTERN = re.compile(r"[\x09\x0d -~\u00a0-\u017f\u2010-\u2044\u20ac\u2122]*")
MOST_HIGH = 0.25
"""Share of a line's bytes that are no ASCII, in the languages of western Europe."""

_NEWLINES = re.compile(r"\r\n?|[\x0c\x85\u2028\u2029]")


def decode(content: bytes, declared: str | None = None) -> str:
    """The text with plain newlines and without a byte order mark. `declared` is the encoding that the document names.

    Raises Rejected("corrupt") for what is mostly not text.
    """
    text = _decoded(content, declared)
    unreadable = text.count("\ufffd") / len(text) if text else 0.0
    if unreadable > MOST_REPLACED or control_share(text) > MOST_CONTROLS:
        raise Rejected("corrupt", "it is not text in an encoding that we know")
    return _NEWLINES.sub("\n", text).lstrip("\ufeff").replace("\x00", "")


def _decoded(content: bytes, declared: str | None) -> str:
    if encoding := unicode_encoding(content):
        return content.decode(encoding, "replace")
    if escaping := _escaping(content, declared):
        return content.decode(escaping, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return _of_two_encodings(content) or content.decode(_legacy(content, declared), "replace")


def _of_two_encodings(content: bytes) -> str | None:
    """The text of a file into which lines in UTF-8 and lines of an older program were written, as logs and joined
    files are: every line that is not clean UTF-8 has letters of western Europe alone. None for any other file."""
    text, is_utf8 = list[str](), False
    for line in content.split(b"\n"):
        high = len(_HIGH.findall(line))
        try:
            text.append(line.decode("utf-8"))
            is_utf8 = is_utf8 or high > 0
        except UnicodeDecodeError:
            if _SEQUENCE.search(line) or high > MOST_HIGH * len(line) or legacy_control_share(line) > 0:
                return None
            text.append(line.decode("cp1252", "replace"))
        if high and not _WESTERN.fullmatch(text[-1]):
            return None
    return "\n".join(text) if is_utf8 else None


@contextmanager
def guessed_encodings() -> Iterator[list[str]]:
    """Collects the encodings that are guessed inside the body: no document says them, and letters only make them
    likely. A body inside of another one shares its list."""
    outer = _guessed_encodings.get()
    collected = list[str]() if outer is None else outer
    token = _guessed_encodings.set(collected)
    try:
        yield collected
    finally:
        _guessed_encodings.reset(token)


def _escaping(content: bytes, declared: str | None) -> str | None:
    """An encoding of seven bits that changes alphabets by escapes: its bytes are ASCII, so nothing else shows it."""
    if _ESCAPES.search(content) is None:
        return None
    if declared and (known := _known(declared)) and known.startswith("iso2022"):
        return known
    for encoding in ("iso2022_jp", "iso2022_jp_2", "iso2022_jp_ext", "iso2022_kr"):
        with contextlib.suppress(UnicodeDecodeError):
            content.decode(encoding)
            return encoding
    return None


def _legacy(content: bytes, declared: str | None) -> str:
    """The encoding of what is not clean UTF-8."""
    if legacy_control_share(content) > MOST_CONTROLS:
        raise Rejected("corrupt", "it holds binary data")
    if declared and (known := _known(declared)):
        return known
    if _is_damaged_utf8(content):
        return "utf-8"
    encoding = likely_encoding(_telling(content, SCORED_BYTES)) or _guessed(_telling(content))
    if (guessed := _guessed_encodings.get()) is not None:
        guessed.append(encoding)
    return encoding


def _known(encoding: str) -> str | None:
    """Returns the encoding that a declared name means: browsers read Latin-1 as cp1252, and so did the author."""
    try:
        name = codecs.lookup(encoding).name
        "x".encode(name)
    except (LookupError, UnicodeError):
        return None
    return {"iso8859-1": "cp1252", "ascii": "cp1252", "utf-8": None}.get(name, name)


def _is_damaged_utf8(content: bytes) -> bool:
    """Most of what is not ASCII is good UTF-8: a few bytes were lost, the encoding is plain."""
    text = content.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    return 10 * damaged < sum(not character.isascii() for character in text)


def _guessed(content: bytes) -> str:
    from charset_normalizer import from_bytes

    best = from_bytes(content).best()
    if best is None:
        raise Rejected("corrupt", "it is not text in an encoding that we know")
    return best.encoding


def _telling(content: bytes, most: int = SAMPLE_BYTES) -> bytes:
    """Lines around the first byte that is not ASCII: the beginning alone may not show the encoding."""
    found = _HIGH.search(content)
    start = max(0, (found.start() if found else 0) - most // 4)
    start = content.rfind(b"\n", 0, start) + 1 if start else 0
    end = len(content) if len(content) <= start + most else content.rfind(b"\n", start, start + most)
    return content[start : end if end > start else start + most]
