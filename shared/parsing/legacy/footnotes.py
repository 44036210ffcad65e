"""RTF with its footnotes at its end, as paragraphs: the reader of old formats leaves them out where they are."""

import re

_NOTE = re.compile(rb"\{\s*(?:\\\*\s*)?\\footnote(?![a-z])")
_BRACE = re.compile(rb"\\[\\{}]|[{}]")
_MARK = re.compile(rb"\\(?:chftn|ftnalt|footnote)(?![a-z]) ?")


def with_notes_at_end(content: bytes) -> bytes:
    body: list[bytes] = []
    notes: list[bytes] = []
    place = 0
    while found := _NOTE.search(content, place):
        end = _end(content, found.start())
        if end is None:
            break
        body.append(content[place : found.start()])
        notes.append(_MARK.sub(b"", content[found.start() : end]))
        place = end
    rest = content[place:]
    last = rest.rfind(b"}")
    if not notes or last < 0:
        return content
    return b"".join([*body, rest[:last], *(b"\\par\\pard\\plain " + note for note in notes), b"\\par", rest[last:]])


def _end(content: bytes, start: int) -> int | None:
    """After the brace that closes the one at `start`."""
    depth = 0
    for found in _BRACE.finditer(content, start):
        depth += {b"{": 1, b"}": -1}.get(found[0], 0)
        if not depth and found[0] == b"}":
            return found.end()
    return None
