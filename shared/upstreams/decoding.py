"""JSON to and from servers of models: whatever a server sends that cannot be read is its fault, never ours."""

import json
from math import isfinite
from typing import Any

import msgspec

from shared.upstreams.port import UpstreamError

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises; the last one where the text is nested too deep."""

EMPTY_VALUES = (b"", b"null", b'""')
"""Of a field that is read as `msgspec.Raw`."""

_LONGEST_COUNT = 24


def encoded(body: Any) -> bytes:
    """JSON; half a surrogate pair, which a broken document can hold, goes as an escape."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body).encode()


def decoded(content: bytes, kind: "type[Any] | msgspec.json.Decoder[Any]") -> Any:
    """Raises `UpstreamError` where a server that answered 200 did not answer what it should."""
    try:
        decoder = kind if isinstance(kind, msgspec.json.Decoder) else msgspec.json.Decoder(kind)
        return decoder.decode(content)
    except UNREADABLE as error:
        detail = f"the answer is not the JSON that it should be ({type(error).__name__})"
        raise UpstreamError("broken", detail, may_have_run=True) from error


def count_of(raw: msgspec.Raw) -> int | None:
    """A counter as a number, written as an integer, a float or a string; None for anything else."""
    text = bytes(raw).strip(b'" ')
    if not text or len(text) > _LONGEST_COUNT:
        return None
    try:
        value = int(text) if text.isdigit() else float(text)
    except ValueError:
        return None
    return round(value) if isfinite(value) and 0 <= value < 1 << 63 else None
