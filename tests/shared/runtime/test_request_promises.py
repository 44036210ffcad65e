"""A request becomes its message, or is told field by field why not."""

import json
import time
import tracemalloc
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta, Struct

from shared.runtime.http.bounded_json import DEEPEST, MOST_VALUES
from shared.runtime.http.requests import decode_json, from_fields, from_json, from_query
from shared.types.errors import InvalidRequest, UnsupportedMediaType


class Line(Struct, frozen=True):
    product: str
    amount: Annotated[int, Meta(ge=1)] = 1


class Order(Struct, frozen=True):
    order_id: str
    lines: tuple[Line, ...] = ()
    speed: Literal["slow", "fast"] = "slow"
    gift: bool = False
    to: Line | None = None


class Listing(Struct, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    cursor: str | None = None
    tags: tuple[str, ...] = ()


PATH = {"order_id": "o1"}


def ordered(body: Any) -> Any:
    return from_json(Order, PATH, "application/json", json.dumps(body).encode())


def pointers(body: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        ordered(body)
    return [error.pointer for error in refused.value.errors]


def test_a_body_and_a_path_become_one_message() -> None:
    body = {"lines": [{"product": "a"}, {"product": "b", "amount": 2}], "gift": True}
    assert ordered(body) == Order("o1", (Line("a"), Line("b", 2)), "slow", True)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"speed": "warp"}, "/speed"),
        ({"gift": "yes"}, "/gift"),
        ({"lines": {}}, "/lines"),
        ({"lines": ["a"]}, "/lines/0"),
        ({"lines": [{"product": "a"}, {"product": 1}]}, "/lines/1/product"),
        ({"lines": [{"product": "a", "amount": 0}]}, "/lines/0/amount"),
        ({"lines": [{"amount": 1}]}, "/lines/0/product"),
        ({"to": {"product": None}}, "/to/product"),
        ({"surplus": 1}, "/surplus"),
        ({"order_id": "another"}, "/order_id"),
    ],
)
def test_what_is_wrong_is_pointed_at(body: Any, pointer: str) -> None:
    assert pointers(body) == [pointer]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/jsonp", "multipart/form-data"])
def test_a_body_has_to_say_that_it_is_json(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        from_json(Order, PATH, content_type, b"{}")


def test_a_message_without_anything_to_say_needs_no_body() -> None:
    assert from_json(Order, PATH, "", b"") == Order("o1")
    assert from_json(Order, PATH, "application/json", b"") == Order("o1")
    with pytest.raises(UnsupportedMediaType):
        from_json(Line, {}, "", b"")


def test_a_query_becomes_a_message() -> None:
    query = [("limit", "7"), ("tags", "a"), ("tags", "b")]
    assert from_query(Listing, {}, query) == Listing(7, None, ("a", "b"))


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ([("limit", "0")], "/limit"),
        ([("limit", "seven")], "/limit"),
        ([("limit", "7"), ("limit", "8")], "/limit"),
        ([("Limit", "7")], "/Limit"),
    ],
)
def test_what_is_wrong_in_a_query_is_pointed_at(query: list[tuple[str, str]], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        from_query(Listing, {}, query)
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_a_forms_numbers_are_numbers_and_its_words_stay_words() -> None:
    assert from_fields(Line, {}, {"product": "null", "amount": "3"}) == Line("null", 3)


# Depth, against its definition

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@settings(deadline=None)
@given(JSON, st.lists(st.booleans(), max_size=DEEPEST + 6), st.booleans())
def test_json_is_taken_up_to_its_depth_and_no_deeper(value: Any, wraps: list[bool], ascii_only: bool) -> None:
    for is_list in wraps:
        value = [value] if is_list else {'"[{\\': value}
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    if depth(value) <= DEEPEST:
        assert decode_json(body) == value
    else:
        with pytest.raises(InvalidRequest, match="deeper than 64"):
            decode_json(body)


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text('[]{}",:\\0a', max_size=200).map(str.encode))
def test_any_bytes_are_json_or_told_not_to_be(body: bytes) -> None:
    try:
        taken = decode_json(body)
    except InvalidRequest:
        return
    assert taken == json.loads(body)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":['])
def test_what_is_never_closed_is_refused_at_any_depth(opening: bytes) -> None:
    for count in (1, 64, 65, 100_000):
        with pytest.raises(InvalidRequest):
            decode_json(opening * count)


@pytest.mark.parametrize(
    "body", [b'{"a": 1, "a": 1}', b'[{"b": {"a": 1, "c": [], "a": 2}}]', b'{"a": 1, "\\u0061": 2}']
)
def test_a_key_that_is_given_twice_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="`a` is given twice"):
        decode_json(body)


@pytest.mark.parametrize("value", [b"[]", b"{}", b"0", b'""', b'"\\""'])
def test_json_of_too_many_values_is_refused_before_it_becomes_objects(value: bytes) -> None:
    assert len(decode_json(b"[" + b",".join([value] * (MOST_VALUES // 3)) + b"]")) == MOST_VALUES // 3
    body = b"[" + b",".join([value] * 1_000_000) + b"]"
    started = time.thread_time()
    tracemalloc.start()
    with pytest.raises(InvalidRequest, match="more than 100000 values"):
        decode_json(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20
    assert time.thread_time() - started < 1


def test_a_long_text_with_many_quotes_and_brackets_is_one_value() -> None:
    text = '"[{,}]\\' * 300_000
    assert decode_json(json.dumps({"text": text}).encode()) == {"text": text}


@pytest.mark.parametrize("number", [b"1" * 30, b"0." + b"1" * 10_000, b"1e5"])
def test_long_numbers_are_read_as_before(number: bytes) -> None:
    assert decode_json(b'{"a": ' + number + b"}") == msgspec.json.decode(b'{"a": ' + number + b"}")
