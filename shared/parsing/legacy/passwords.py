"""Whether an Office document of before 2007 is under a password."""

import struct
from io import BytesIO

import olefile

from shared.types.errors import Rejected

_ENCRYPTED_WORD = 0x0100
_FILEPASS = 0x002F
_MOST_RECORDS = 200
"""FILEPASS stands near the beginning of a workbook."""


def is_encrypted(content: bytes) -> bool:
    """Raises Rejected("corrupt") for what is no compound file."""
    try:
        with olefile.OleFileIO(BytesIO(content)) as file:
            return _word(file) or _workbook(file) or file.exists("EncryptedSummary")
    except (OSError, struct.error, IndexError, ValueError, TypeError) as error:
        raise Rejected("corrupt", "its streams cannot be read") from error


def _word(file: olefile.OleFileIO) -> bool:
    if not file.exists("WordDocument"):
        return False
    beginning = file.openstream("WordDocument").read(12)
    return len(beginning) == 12 and bool(struct.unpack_from("<H", beginning, 10)[0] & _ENCRYPTED_WORD)


def _workbook(file: olefile.OleFileIO) -> bool:
    name = next((name for name in ("Workbook", "Book") if file.exists(name)), None)
    if name is None:
        return False
    stream = file.openstream(name)
    for _ in range(_MOST_RECORDS):
        head = stream.read(4)
        if len(head) < 4:
            return False
        kind, length = struct.unpack("<HH", head)
        if kind == _FILEPASS:
            return True
        stream.seek(length, 1)
    return False
