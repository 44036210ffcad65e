"""What frames between processes promise."""

import asyncio
from io import BytesIO

import pytest

from shared.processes.frames import FrameBuffer, FrameTooLong, frame, read, receive, write

MESSAGES = [b"", b"one", b"x" * 70_000]


def test_what_is_written_to_a_pipe_is_read_in_its_order() -> None:
    pipe = BytesIO()
    for message in MESSAGES:
        write(pipe, message)
    pipe.seek(0)
    assert [read(pipe) for _ in MESSAGES] == MESSAGES
    assert read(pipe) is None


@pytest.mark.parametrize("missing", [1, 5, 8, 10])
def test_a_message_that_was_cut_off_is_no_message(missing: int) -> None:
    assert read(BytesIO(frame(b"words")[:-missing])) is None


@pytest.mark.parametrize("piece", [1, 7, 8, 100_000])
def test_messages_are_whole_however_a_stream_is_divided(piece: int) -> None:
    stream = b"".join(map(frame, MESSAGES))
    buffer = FrameBuffer()
    found = [message for at in range(0, len(stream), piece) for message in buffer.add(stream[at : at + piece])]
    assert found == MESSAGES


async def test_a_reader_on_the_event_loop_gets_the_same_messages() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"".join(map(frame, MESSAGES)))
    reader.feed_eof()
    assert [await receive(reader) for _ in MESSAGES] == MESSAGES
    with pytest.raises(asyncio.IncompleteReadError):
        await receive(reader)


async def test_a_frame_that_is_too_long_is_refused_before_it_is_read() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(frame(b"12345678"))
    assert await receive(reader, most=8) == b"12345678"
    reader.feed_data(frame(b"123456789"))
    with pytest.raises(FrameTooLong):
        await receive(reader, most=8)
