"""Ollama Cloud: the same protocol with a key, an account and a price."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from msgspec import Struct

from shared.types.model import TokenCounts
from shared.upstreams.calling import Caller, Timeouts
from shared.upstreams.decoding import decoded
from shared.upstreams.ollama import OllamaServer
from shared.upstreams.port import Capabilities, UpstreamError

UsageRange = Literal["24h", "7d", "30d"]


class UsageBucket(Struct, frozen=True):
    """An hour or a day of the account's use; `until` is not in it. None where the cloud does not say."""

    start: datetime | None
    until: datetime | None
    cost_microusd: int | None
    requests: int = 0
    counts: TokenCounts = TokenCounts()


class AccountUsage(Struct, frozen=True):
    """What the account used in all and when; new use may take time to appear."""

    total: UsageBucket
    buckets: tuple[UsageBucket, ...] = ()


class AccountBalance(Struct, frozen=True):
    """What is left. None where the cloud does not say, as for plans that are not counted in money."""

    included_microusd: int | None
    purchased_microusd: int | None


class OllamaCloudClient(OllamaServer):
    """It takes a schema and does not hold the model to it. It serves no embeddings."""

    _page_ttl_s = 3600.0

    def __init__(
        self,
        api_key: str,
        *,
        base_url: str = "https://ollama.com",
        concurrency: int = 3,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 (frozen)
    ) -> None:
        caller = Caller(base_url, timeouts, connections=concurrency + 2, secret=api_key.strip())
        super().__init__(caller, "cloud", Capabilities(concurrency=concurrency))

    async def embed(self, model: str, texts: list[str]) -> tuple[list[list[float]], TokenCounts]:
        raise UpstreamError("model_not_found", "Ollama Cloud serves no embeddings", may_have_run=False)

    async def usage(self, span: UsageRange = "24h") -> AccountUsage:
        answer = decoded(await self._caller.whole("GET", f"/api/usage?range={span}"), dict[str, Any])
        return AccountUsage(
            total=_bucket(_object(answer, "totals"), answer),
            buckets=tuple(_bucket(one, one) for one in answer.get("buckets") or () if isinstance(one, dict)),
        )

    async def balance(self) -> AccountBalance:
        answer = decoded(await self._caller.whole("GET", "/api/balance"), dict[str, Any])
        return AccountBalance(
            included_microusd=_micro(_object(answer, "included").get("balance_usd")),
            purchased_microusd=_micro(_object(answer, "purchased").get("balance_usd")),
        )

    def _named(self, model: str) -> str:
        """Asked directly, the cloud knows its models by their names without the suffix that a local server wants."""
        return model.removesuffix(":cloud").removesuffix("-cloud")


def _bucket(used: dict[str, Any], times: dict[str, Any]) -> UsageBucket:
    return UsageBucket(
        start=_time(times.get("from")),
        until=_time(times.get("until")),
        cost_microusd=_micro(used.get("usage_usd")),
        requests=_whole(used.get("request_count")),
        counts=TokenCounts(
            prompt=_whole(used.get("input_tokens")),
            completion=_whole(used.get("output_tokens")),
            cached=_whole(used.get("cached_input_tokens")),
        ),
    )


def _object(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """Empty where the answer, whose shape has changed before, has another."""
    found = answer.get(name)
    return found if isinstance(found, dict) else {}


def _micro(usd: Any) -> int | None:
    """Rounded to the nearest; None for what is no amount."""
    if isinstance(usd, bool) or not isinstance(usd, int | float | str):
        return None
    try:
        amount = Decimal(str(usd))
    except InvalidOperation:
        return None
    return round(amount * 1_000_000) if amount.is_finite() else None


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
