"""No call costs more than was promised before it left."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from shared.proxy.config.proxy_config import PRICES
from shared.proxy.prices import CLOCK_SKEW, DAYS, Peak, Price, PriceTable, most_prompt_tokens
from shared.types.model import TokenCounts, ToolCall

TABLE = PriceTable(PRICES)
SUNDAY = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
MONDAY = SUNDAY + timedelta(days=1)
LEASE = timedelta(minutes=3)


class Message(Struct, frozen=True):
    text: str
    pictures: tuple[bytes, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_name: str = ""


def test_the_worst_case_is_every_byte_a_token_and_every_token_of_the_answer() -> None:
    messages = [Message("Straße"), Message("frei?")]
    tokens = 7 + 16 + 5 + 16 + 256
    expected = -(-(tokens * 150_000 + 1000 * 600_000) // 1_000_000)
    assert TABLE.worst_case("gpt-oss:120b", messages, 1000, SUNDAY, LEASE) == expected == 645


def test_a_schema_that_travels_along_may_be_counted_too() -> None:
    bare = TABLE.worst_case("gpt-oss:120b", [], 1, SUNDAY, LEASE)
    with_schema = TABLE.worst_case("gpt-oss:120b", [], 1, SUNDAY, LEASE, {"type": "object"})
    assert (bare, with_schema) == (39, 42)


def test_a_cost_is_rounded_up() -> None:
    assert TABLE.cost("gpt-oss:120b", TokenCounts(prompt=1, completion=0), SUNDAY) == 1
    assert TABLE.cost("gpt-oss:120b", TokenCounts(prompt=1_000_000, completion=1_000_000), SUNDAY) == 750_000
    assert TABLE.cost("gpt-oss:120b", TokenCounts(), SUNDAY) == 0


def test_cached_input_has_its_own_price() -> None:
    assert TABLE.cost("gpt-oss:120b", TokenCounts(prompt=1_000_000, cached=600_000), SUNDAY) == 60_000 + 8_400
    bare = PriceTable({"m": Price(150_000, output=600_000)})
    assert bare.cost("m", TokenCounts(prompt=1_000_000, cached=600_000), SUNDAY) == 150_000


def test_a_server_that_counts_more_cached_than_it_read_is_believed_in_the_whole() -> None:
    assert TABLE.cost("gpt-oss:120b", TokenCounts(prompt=1_000_000, cached=9_000_000), SUNDAY) == 14_000


@pytest.mark.parametrize(
    "price",
    [
        None,
        Price(),
        Price(0, 0, 600_000),
        Price(150_000, 0, 0),
    ],
)
def test_an_unknown_price_and_a_price_of_zero_fail_closed(price: Price | None) -> None:
    table = PriceTable({"m": price} if price else {})
    assert table.worst_case("m", [Message("hello")], 10, SUNDAY, LEASE) is None
    assert table.cost("m", TokenCounts(1, 1), SUNDAY) is None
    assert table.lines("m", TokenCounts(1, 1), SUNDAY) is None


def test_a_picture_costs_its_tokens_or_stays() -> None:
    messages = [Message("what is this?", (b"png", b"png"))]
    assert TABLE.worst_case("gemma4:31b", messages, 100, SUNDAY, LEASE) is None
    seeing = PriceTable({"m": Price(140_000, output=400_000, image_tokens=1120)})
    assert seeing.worst_case("m", messages, 100, SUNDAY, LEASE) == -(
        -((13 + 16 + 256 + 2 * 1120) * 14 + 100 * 40) // 100
    )


# Peaks


@pytest.mark.parametrize(
    ("at", "doubled"),
    [
        (SUNDAY, False),
        (MONDAY, True),
        (MONDAY.replace(hour=12), True),
        (MONDAY.replace(hour=11, minute=59, second=59), False),
        (MONDAY.replace(hour=18), False),
        (MONDAY.replace(hour=17, minute=59, second=59), True),
        (MONDAY.astimezone(UTC).replace(tzinfo=UTC) + timedelta(days=5), False),
    ],
)
def test_a_call_in_the_peak_costs_double(at: datetime, doubled: bool) -> None:
    assert TABLE.cost("deepseek-v4-flash", TokenCounts(prompt=1_000_000), at) == (440_000 if doubled else 220_000)


@pytest.mark.parametrize(
    ("leaves", "lease_min", "doubled"),
    [
        (MONDAY.replace(hour=11, minute=0), 3, False),
        (MONDAY.replace(hour=11, minute=50), 3, False),
        (MONDAY.replace(hour=11, minute=52), 3, True),  # a clock 5 minutes ahead
        (MONDAY.replace(hour=11, minute=0), 60, True),
        (MONDAY.replace(hour=18, minute=4), 3, True),  # a clock 5 minutes behind
        (MONDAY.replace(hour=18, minute=6), 3, False),
        (SUNDAY.replace(hour=23, minute=58), 3, False),
        (SUNDAY, 60 * 24, True),
    ],
)
def test_the_worst_case_is_dear_if_the_lease_can_touch_the_peak(
    leaves: datetime, lease_min: int, doubled: bool
) -> None:
    plain = PriceTable({"m": Price(220_000, output=660_000)})
    usual = plain.worst_case("m", [Message("x" * 728)], 1000, leaves, LEASE)
    worst = TABLE.worst_case("deepseek-v4-flash", [Message("x" * 728)], 1000, leaves, timedelta(minutes=lease_min))
    assert usual == 880
    assert worst == (1760 if doubled else 880)


def test_a_peak_may_go_over_midnight() -> None:
    night = Peak(("fri",), (22, 4), 1500)
    friday = datetime(2026, 11, 27, tzinfo=UTC)
    assert night.covers(friday.replace(hour=23)) and night.covers(friday + timedelta(hours=27))
    assert not night.covers(friday.replace(hour=3)) and not night.covers(friday + timedelta(hours=28))


# What holds for every price, prompt and answer

amounts = st.integers(1, 20_000_000)
peaks = st.builds(
    Peak,
    st.lists(st.sampled_from(DAYS), min_size=1, unique=True).map(tuple),
    st.tuples(st.integers(0, 12), st.integers(13, 23)) | st.tuples(st.integers(13, 23), st.integers(0, 12)),
    st.integers(1000, 9999),
)
prices = st.builds(
    Price,
    amounts,
    st.none() | st.integers(0, 30_000_000),
    amounts,
    image_tokens=st.integers(1, 5000),
    peak=st.none() | peaks,
)
messages_of = st.lists(st.builds(Message, st.text(max_size=200), st.just(()) | st.just((b"p",))), max_size=4)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))


@given(prices, messages_of, st.integers(1, 5000), moments, st.integers(1, 600), st.data())
def test_no_call_costs_more_than_its_worst_case(
    price: Price, messages: list[Message], output: int, now: datetime, lease_s: int, data: st.DataObject
) -> None:
    table, lease = PriceTable({"m": price}), timedelta(seconds=lease_s)
    worst, most = table.worst_case("m", messages, output, now, lease), most_prompt_tokens(messages, price.image_tokens)
    assert worst is not None and most is not None
    prompt = data.draw(st.integers(0, most))
    counts = TokenCounts(prompt, data.draw(st.integers(0, output)), data.draw(st.integers(0, prompt)))
    at = now + timedelta(
        seconds=data.draw(st.floats(-CLOCK_SKEW.total_seconds(), lease_s + CLOCK_SKEW.total_seconds()))
    )
    cost = table.cost("m", counts, at)
    assert cost is not None and 0 <= cost <= worst


@given(prices, st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), moments)
def test_the_lines_add_up_to_the_cost_within_a_micro_dollar_of_the_exact_one(
    price: Price, prompt: int, completion: int, cached: int, at: datetime
) -> None:
    counts = TokenCounts(prompt, completion, cached)
    table = PriceTable({"m": price})
    lines, cost = table.lines("m", counts, at), table.cost("m", counts, at)
    assert lines is not None and cost is not None
    assert sum(line.cost_microusd for line in lines) == cost
    assert all(line.cost_microusd >= 0 and line.quantity > 0 for line in lines)
    fresh = prompt - min(cached, prompt)
    exact = (fresh * price.input + (prompt - fresh) * price.cached + completion * price.output) * price.factor_at(at)
    assert 0 <= cost * 10**9 - exact < 10**9
