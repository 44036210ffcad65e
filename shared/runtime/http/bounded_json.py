"""Decodes JSON of unknown origin: in linear time, with a bound on its depth and its number of values."""

import json
import re
from typing import Any

import msgspec

DEEPEST = 64
MOST_VALUES = 100_000
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_MARKS = b"[]{},"
_OTHERS = bytes(set(range(256)) - set(_MARKS))
_ROUND = bytes.maketrans(b"[]{}", b"()()")


class UnreadableJsonError(ValueError):
    """No JSON, or more of it than is taken. Its text is a sentence for the sender."""


def decode(body: bytes) -> Any:
    """The value. Its size is checked before it becomes objects. Raises `UnreadableJsonError`."""
    marks = _marks(body)
    try:
        value = msgspec.json.decode(body)
    except UnicodeDecodeError:
        raise UnreadableJsonError("The body is not UTF-8.") from None
    except msgspec.DecodeError as error:
        raise UnreadableJsonError(f"The body is not JSON: {error}.") from None
    except RecursionError:
        raise UnreadableJsonError(f"The JSON is nested deeper than {DEEPEST} levels.") from None
    if _is_deep(marks):
        raise UnreadableJsonError(f"The JSON is nested deeper than {DEEPEST} levels.")
    if b"{" in marks:  # msgspec takes the last of two values with the same key
        json.loads(body, object_pairs_hook=_check_keys, parse_int=str, parse_float=str)
    return value


def _marks(body: bytes) -> bytes:
    """The brackets and commas outside strings. Raises `UnreadableJsonError` where they enclose too many values."""
    bare, strings = _STRING.subn(b"", body, count=2 * MOST_VALUES)
    marks = bare.translate(None, _OTHERS)
    if strings == 2 * MOST_VALUES or sum(map(marks.count, (b",", b"[", b"{"))) >= MOST_VALUES:
        raise UnreadableJsonError(f"The JSON has more than {MOST_VALUES} values.")
    return marks


def _is_deep(marks: bytes) -> bool:
    """Whether well-formed brackets nest deeper than `DEEPEST`: each turn removes the innermost level."""
    brackets = marks.translate(_ROUND, b",")
    for _ in range(DEEPEST):
        if not brackets:
            return False
        brackets = brackets.replace(b"()", b"")
    return bool(brackets)


def _check_keys(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) == len(dict(pairs)):
        return
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise UnreadableJsonError(f"The key `{key[:100]}` is given twice.")
        seen.add(key)
