"""Records as they stand in blobs: JSON, one a line."""

from collections.abc import Iterable

import msgspec

from shared.usage.records import Record

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    return _ENCODER.encode(record)


def decode(line: bytes | str) -> Record:
    """Raises `msgspec.MsgspecError`."""
    return _DECODER.decode(line)


def known(line: bytes) -> Record | None:
    """The record of a line; None for one of a kind that only a later revision knows: it is kept as it stands."""
    try:
        return _DECODER.decode(line)
    except msgspec.MsgspecError:
        return None


def joined(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def split(data: bytes) -> list[bytes]:
    return data.splitlines()


def records_of(data: bytes) -> list[Record]:
    """Those that this revision knows."""
    return [record for line in split(data) if (record := known(line)) is not None]
