"""Server-sent events, however the network cuts them."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.terminal.sse import Decoder, ServerEvent

STREAM = (
    '\ufeff: a comment\r\n\r\nid: 1\nevent: token\ndata: {"text": "Grüße \u2028 \x85 here"}\n\n'
    "data: one\rdata: two\r\revent: done\r\nid: 2\r\ndata:{}\r\n\r\ndata: never ended"
).encode()
EVENTS = [
    ServerEvent("token", '{"text": "Grüße \u2028 \x85 here"}', "1"),
    ServerEvent("message", "one\ntwo", "1"),
    ServerEvent("done", "{}", "2"),
]


def decoded(*chunks: bytes) -> list[ServerEvent]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def test_a_stream_cut_at_any_byte_gives_the_same_events() -> None:
    for at in range(len(STREAM) + 1):
        assert decoded(STREAM[:at], STREAM[at:]) == EVENTS


def test_a_stream_that_comes_byte_by_byte_gives_the_same_events() -> None:
    assert decoded(*(STREAM[at : at + 1] for at in range(len(STREAM)))) == EVENTS


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_a_stream_cut_at_any_bytes_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    assert decoded(*(STREAM[a:b] for a, b in itertools.pairwise(edges))) == EVENTS


def test_an_event_without_data_is_none_but_its_id_counts() -> None:
    assert decoded(b"id: 7\nevent: ping\n\ndata: x\n\n") == [ServerEvent("message", "x", "7")]


def test_an_unfinished_event_is_not_told() -> None:
    assert decoded(b"event: done\ndata: {}\n") == []


def test_going_on_keeps_the_last_id_until_another_comes() -> None:
    assert Decoder("41").feed(b"data: x\n\n") == [ServerEvent("message", "x", "41")]
