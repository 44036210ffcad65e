"""The compression of rich text in mails of Outlook (MS-OXRTFCP)."""

import struct

_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_HEAD = struct.Struct("<II4sI")
_WINDOW = 4096
MOST_EXPANDED = 64 * 1024 * 1024


def expanded(content: bytes) -> bytes:
    """Returns the rich text; empty where there is none."""
    if len(content) < _HEAD.size:
        return b""
    _, size, kind, _ = _HEAD.unpack_from(content)
    if kind == b"MELA":
        return content[_HEAD.size : _HEAD.size + size]
    if kind != b"LZFu" or size > MOST_EXPANDED:
        return b""
    text = bytearray(_WINDOW) + _DICTIONARY
    start, place = len(text), _HEAD.size
    while place < len(content) and len(text) < start + size:
        control, place = content[place], place + 1
        for bit in range(8):
            if not control >> bit & 1:
                text += content[place : place + 1]
                place += 1
                continue
            if place + 2 > len(content):
                return bytes(text[start : start + size])
            offset, length = content[place] << 4 | content[place + 1] >> 4, (content[place + 1] & 15) + 2
            place += 2
            back = (len(text) - offset) % _WINDOW
            if back == 0:  # the mark of the end
                return bytes(text[start : start + size])
            for _ in range(length):
                text.append(text[-back])
    return bytes(text[start : start + size])
