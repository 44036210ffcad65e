"""Frames between a process and its children: the length of a message in bytes, then the message.

A parent reads and writes on its event loop, a child on blocking pipes or on a socket that it polls.
"""

import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from typing import BinaryIO

_LENGTH = struct.Struct(">Q")


class FrameTooLong(Exception):
    """The frame is longer than its reader accepts; it is not read."""


def frame(message: bytes) -> bytes:
    return _LENGTH.pack(len(message)) + message


def send(writer: StreamWriter, message: bytes) -> None:
    """Writes one message to the stream's buffer; the caller drains it. A large message is not copied."""
    writer.write(_LENGTH.pack(len(message)))
    writer.write(message)


async def receive(reader: StreamReader, most: int | None = None) -> bytes:
    """Reads one message of `most` bytes at most.

    Raises `FrameTooLong`, and `asyncio.IncompleteReadError` where the stream ends.
    """
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    if most is not None and length > most:
        raise FrameTooLong(f"a frame of {length} bytes; {most} are accepted")
    return await reader.readexactly(length)


def read(pipe: BinaryIO) -> bytes | None:
    """Reads one message; None where the pipe ends before it is complete."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    message = pipe.read(length)
    return message if len(message) == length else None


def write(pipe: BinaryIO, message: bytes) -> None:
    """Writes one message and flushes it; a large one is not copied."""
    pipe.write(_LENGTH.pack(len(message)))
    pipe.write(message)
    pipe.flush()


class FrameBuffer:
    """Cuts messages out of a stream that arrives in pieces."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def add(self, received: bytes) -> Iterator[bytes]:
        """Adds what arrived and yields the messages that are complete, in their order."""
        self._bytes += received
        while len(self._bytes) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._bytes)
            end = _LENGTH.size + length
            if len(self._bytes) < end:
                return
            message = bytes(memoryview(self._bytes)[_LENGTH.size : end])
            del self._bytes[:end]
            yield message
