"""What a call of a cloud model costs: at most, before it leaves, and in fact, by the tokens that its server counted.

Prices are integer micro-dollars per million tokens, costs integer micro-dollars, rounded up. A model without a price,
or with a price of zero, has no cost that could be promised: both functions answer None, and it stays unused.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta, Struct

from shared.proxy.config.values import MicroUsd, Thousandths
from shared.types.model import TokenCounts, ToolCall, Tools
from shared.usage.records import Unit, UsageLine

PER_MESSAGE_TOKENS = 16
PER_CALL_TOKENS = 256
FOR_TOOLS_TOKENS = 1024
"""By which a model's template explains to it how tools are called."""
_WRITTEN_WIDER = 2
"""Templates write JSON with more space than it came with."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of the server that bills may be from ours."""

_PER_MILLION = 1_000_000
_ONCE = 1000

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Hour = Annotated[int, Meta(ge=0, le=24)]


class Peak(Struct, frozen=True, forbid_unknown_fields=True):
    """Hours in which every price is multiplied. From 22 to 4 is a night that belongs to the day it begins on."""

    days: tuple[Day, ...] = DAYS
    hours_utc: tuple[Hour, Hour] = (0, 24)
    factor: Thousandths = _ONCE

    def __post_init__(self) -> None:
        if self.hours_utc != (0, 24) and (self.hours_utc[1] - self.hours_utc[0]) % 24 == 0:
            raise ValueError("hours_utc takes two different hours; a whole day is [0, 24]")

    def covers(self, at: datetime) -> bool:
        return any(begin <= at < end for begin, end in self._near(at, at))

    def touches(self, begin: datetime, end: datetime) -> bool:
        return any(peak_begin <= end and begin < peak_end for peak_begin, peak_end in self._near(begin, end))

    def _near(self, begin: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
        """The peaks of the days from the one before to the last."""
        first, last = self.hours_utc
        hours = timedelta(hours=(last - first) if last > first else last - first + 24)
        midnight = datetime.combine(begin.astimezone(UTC).date(), datetime.min.time(), UTC) - timedelta(days=1)
        while midnight <= end:
            if DAYS[midnight.weekday()] in self.days:
                start = midnight + timedelta(hours=first)
                yield start, start + hours
            midnight += timedelta(days=1)


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """Micro-dollars per million tokens. `cached_input` is the price of input where none is given. A model without
    `image_tokens`, the most that one picture counts as, is sent no picture."""

    input: MicroUsd = 0
    cached_input: MicroUsd | None = None
    output: MicroUsd = 0
    as_of: date | None = None
    image_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    peak: Peak | None = None

    @property
    def is_known(self) -> bool:
        return self.input > 0 and self.output > 0

    @property
    def cached(self) -> int:
        return self.input if self.cached_input is None else self.cached_input

    def factor_at(self, at: datetime) -> int:
        """In thousandths."""
        return self.peak.factor if self.peak and self.peak.covers(at) else _ONCE

    def highest_factor(self, begin: datetime, end: datetime) -> int:
        return self.peak.factor if self.peak and self.peak.touches(begin, end) else _ONCE


class Speech(Protocol):
    """A message of a prompt."""

    @property
    def text(self) -> str: ...

    @property
    def pictures(self) -> Sequence[object]: ...

    @property
    def tool_calls(self) -> Sequence[ToolCall]: ...

    @property
    def tool_name(self) -> str: ...


class PriceTable:
    def __init__(self, prices: Mapping[str, Price]) -> None:
        self._prices = dict(prices)

    def price(self, model: str) -> Price | None:
        found = self._prices.get(model)
        return found if found and found.is_known else None

    def worst_case(
        self,
        model: str,
        messages: Iterable[Speech],
        max_output_tokens: int,
        now: datetime,
        lease: timedelta,
        schema: Mapping[str, Any] | None = None,
        tools: Tools | None = None,
    ) -> int | None:
        """The most that the call can cost if it leaves during its lease. None also where a picture has no price.
        `schema` is one that goes beside the messages, where a server may count it to them."""
        price, tokens = self.price(model), self.most_prompt_tokens(model, messages, schema, tools)
        if price is None or tokens is None:
            return None
        factor = price.highest_factor(now - CLOCK_SKEW, now + lease + CLOCK_SKEW)
        dearest = max(price.input, price.cached)
        return _rounded_up((tokens * dearest + max_output_tokens * price.output) * factor)

    def most_prompt_tokens(
        self,
        model: str,
        messages: Iterable[Speech],
        schema: Mapping[str, Any] | None = None,
        tools: Tools | None = None,
    ) -> int | None:
        """None for a model, or a picture, that has no price."""
        price = self.price(model)
        tokens = most_prompt_tokens(messages, price.image_tokens) if price else None
        if tokens is None:
            return None
        return tokens + (len(msgspec.json.encode(schema)) if schema else 0) + (_of_tools(tools) if tools else 0)

    def cost(self, model: str, counts: TokenCounts, at: datetime) -> int | None:
        """What the call cost that began at that time."""
        lines = self.lines(model, counts, at)
        return None if lines is None else sum(line.cost_microusd for line in lines)

    def lines(self, model: str, counts: TokenCounts, at: datetime) -> tuple[UsageLine, ...] | None:
        """The cost by kind of token. Their sum is rounded up once, and the last line carries what the others lack."""
        price = self.price(model)
        if price is None:
            return None
        factor, cached = price.factor_at(at), min(counts.cached, counts.prompt)
        parts: list[tuple[Unit, int, int]] = [
            ("input_token", counts.prompt - cached, price.input * factor),
            ("cached_input_token", cached, price.cached * factor),
            ("output_token", counts.completion, price.output * factor),
        ]
        return tuple(_lines([part for part in parts if part[1]]))


def most_prompt_tokens(messages: Iterable[Speech], image_tokens: int | None = None) -> int | None:
    """No tokenizer makes more tokens of a text than it has bytes. None where a picture's tokens are not known."""
    tokens = PER_CALL_TOKENS
    for message in messages:
        if message.pictures and image_tokens is None:
            return None
        tokens += len(message.text.encode(errors="surrogatepass")) + PER_MESSAGE_TOKENS
        tokens += len(message.pictures) * (image_tokens or 0)
        tokens += len(message.tool_name.encode(errors="surrogatepass"))
        tokens += sum(_of_call(one) + PER_MESSAGE_TOKENS for one in message.tool_calls)
    return tokens


def _of_call(call: ToolCall) -> int:
    return _WRITTEN_WIDER * len((call.id + call.name + call.arguments).encode(errors="surrogatepass"))


def _of_tools(tools: Tools) -> int:
    return FOR_TOOLS_TOKENS + _WRITTEN_WIDER * len(msgspec.json.encode(tools.functions))


def _lines(parts: list[tuple[Unit, int, int]]) -> Iterable[UsageLine]:
    so_far = charged = 0
    for unit, tokens, price in parts:
        so_far += tokens * price
        cost = _rounded_up(so_far) - charged
        charged += cost
        yield UsageLine(unit, tokens, cost)


def _rounded_up(amount: int) -> int:
    """Micro-dollars of tokens × price × factor."""
    return -(-amount // (_PER_MILLION * _ONCE))
