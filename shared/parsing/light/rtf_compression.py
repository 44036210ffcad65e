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
    window, end = bytearray(_DICTIONARY.ljust(_WINDOW, b"\0")), len(_DICTIONARY)
    text, place = bytearray(), _HEAD.size
    while place < len(content) and len(text) < size:
        control, place = content[place], place + 1
        for bit in range(8):
            if not control >> bit & 1:
                written = content[place : place + 1]
                place += 1
            elif place + 2 > len(content):
                return bytes(text[:size])
            else:
                offset, length = content[place] << 4 | content[place + 1] >> 4, (content[place + 1] & 15) + 2
                place += 2
                if offset == end:
                    return bytes(text[:size])
                written = b""
                for step in range(length):
                    byte = window[(offset + step) % _WINDOW]
                    window[(end + step) % _WINDOW] = byte
                    written += bytes((byte,))
            for step, byte in enumerate(written):
                window[(end + step) % _WINDOW] = byte
            end = (end + len(written)) % _WINDOW
            text += written
    return bytes(text[:size])
