"""Encodes records as JSON lines and decodes them."""

from collections.abc import Iterable

import msgspec

from shared.usage.records import Record

_ENCODER = msgspec.json.Encoder()
_DECODER: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def encode(record: Record) -> bytes:
    return _ENCODER.encode(record)


def decode_known(line: bytes) -> Record | None:
    """The record of a line; None for a kind that only a later revision knows: its line is stored unchanged."""
    try:
        return _DECODER.decode(line)
    except msgspec.MsgspecError:
        return None


def decode_records(data: bytes) -> list[Record]:
    """The records of a blob that this revision knows."""
    return [record for line in data.splitlines() if (record := decode_known(line)) is not None]


def join_lines(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)
