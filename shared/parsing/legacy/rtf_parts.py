"""What stands beside the text of RTF: headers, footers, notes, annotations, old text boxes."""

from collections.abc import Iterable

from msgspec import Struct, field

from shared.parsing.legacy.rtf_marks import escaped
from shared.parsing.page_numbers import is_page_number

HEADERS = frozenset({b"header", b"headerl", b"headerr", b"headerf"})


class RtfPart(Struct):
    """The body of the file, or what stands beside it: what is written, and its visible text."""

    kind: bytes = b"body"
    out: list[bytes] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


def assembled(body: RtfPart, front: int | None, beside: Iterable[RtfPart]) -> bytes:
    """The file, with what stands beside its text as paragraphs of their own, each once."""
    headers, behind, seen = list[bytes](), list[bytes](), set[str]()
    author = ""
    for part in beside:
        text = " ".join("".join(part.text).split())
        if part.kind == b"atnauthor":
            author = text
            continue
        is_note = part.kind in {b"footnote", b"annotation"}
        if not text or (not is_note and (text in seen or is_page_number(text))):
            continue
        seen.add(text)
        label = escaped(f"{author}: ") if part.kind == b"annotation" and author else b""
        if part.kind == b"annotation":
            author = ""
        paragraph = b"{\\pard\\plain " + label + b"".join(part.out) + b"\\par}"
        (headers if part.kind in HEADERS else behind).append(paragraph)
    return _joined(body.out, len(body.out) if front is None else front, headers, behind)


def _joined(body: list[bytes], front: int, headers: list[bytes], behind: list[bytes]) -> bytes:
    last = next((place for place in range(len(body) - 1, -1, -1) if body[place] == b"}"), len(body))
    tail = [b"\\par", *behind] if behind else []
    return b"".join([*body[:front], *headers, *body[front : max(last, front)], *tail, *body[max(last, front) :]])
