"""What a pool and its workers say to each other: frames of a length and that many bytes."""

import struct

import msgspec
from msgspec import Struct

from shared.parsing.document import ParsedDocument
from shared.parsing.limits import Limits

LENGTH = struct.Struct(">Q")


class Hello(Struct, frozen=True, tag=True):
    """First from the pool: the limits of every document to come."""

    limits: Limits
    parent: int


class Parse(Struct, frozen=True, tag=True):
    """A document to parse; its bytes follow in a frame of their own."""

    parser: str
    media_type: str
    filename: str


class Ready(Struct, frozen=True, tag=True):
    """First from a worker, once it is confined. Memory is what it has resident, in bytes."""

    memory: int


class Parsed(Struct, frozen=True, tag=True):
    document: ParsedDocument
    memory: int


class Refused(Struct, frozen=True, tag=True):
    """The document is at fault."""

    code: str
    detail: str
    memory: int


class Broken(Struct, frozen=True, tag=True):
    """We are: a library is missing, say."""

    detail: str


Answer = Ready | Parsed | Refused | Broken

encode = msgspec.msgpack.Encoder().encode
orders: msgspec.msgpack.Decoder[Hello | Parse] = msgspec.msgpack.Decoder(Hello | Parse)
answers: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)
