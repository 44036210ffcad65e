"""API keys: 256 random bits with a checksum, so that a typing error is found without asking a store.

A key is `aeg_<id>_<secret><checksum>`. Only its SHA-256 is kept: 256 random bits need no slow hash.
"""

import re
import secrets
import zlib
from hashlib import sha256

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"aeg_([0-9a-z]{16})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})")
_ID_ALPHABET = _ALPHABET[:10] + _ALPHABET[36:]


def new_id(prefix: str) -> str:
    """A random id such as `key_4f…`, 80 bits of it."""
    return prefix + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16))


def new_key(key_id: str) -> str:
    """The secret for a `key_…` id; shown once, never stored."""
    body = f"aeg_{key_id.removeprefix('key_')}_" + "".join(secrets.choice(_ALPHABET) for _ in range(43))
    return body + _checksum(body)


def well_formed(key: str) -> bool:
    found = _SHAPE.fullmatch(key) if len(key) < 100 else None
    return found is not None and _checksum(key[:-6]) == found[3]


def key_hash(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def _checksum(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(digits)
