"""Whether bytes are text, from their beginning and without a guess at the language."""

import codecs
import contextlib
import re

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""In this order: the mark of UTF-16 is the beginning of that of UTF-32."""

MOST_CONTROLS = 0.01
"""Share of control characters above which bytes are no text; logs with colours stay below it."""

_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LEGACY_CONTROLS = bytes(set(range(9)) | set(range(0x0E, 0x1B)) | set(range(0x1C, 0x20)) | {0x7F})
_INVISIBLE = "\ufeff\u200b\u2060"


def encoding_by_bom(content: bytes) -> str | None:
    return next((encoding for bom, encoding in BOMS if content.startswith(bom)), None)


def control_share(text: str) -> float:
    """Between 0 and 1."""
    return len(_CONTROLS.findall(text)) / len(text) if text else 0.0


def legacy_control_share(content: bytes) -> float:
    """The same for bytes in an encoding that extends ASCII; NUL counts."""
    return 1 - len(content.translate(None, _LEGACY_CONTROLS)) / len(content) if content else 0.0


def peek(head: bytes) -> str | None:
    """The text that `head` begins, good enough to recognise a format; None where it is no text.

    A character cut in two at the end is left out. A legacy encoding is read as Latin-1.
    """
    if (encoding := encoding_by_bom(head)) or b"\x00" not in head:
        with contextlib.suppress(UnicodeDecodeError):
            decoded = codecs.getincrementaldecoder(encoding or "utf-8")().decode(head)
            return decoded if control_share(decoded) <= MOST_CONTROLS and "\x00" not in decoded else None
    if encoding or b"\x00" in head or legacy_control_share(head) > MOST_CONTROLS:
        return None
    return head.decode("latin-1")


def is_blank(text: str) -> bool:
    return not text.translate(dict.fromkeys(map(ord, _INVISIBLE))).strip()
