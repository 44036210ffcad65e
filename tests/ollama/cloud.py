"""What differs at the cloud: a key, an account, no grammar, no embeddings, cached tokens."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.ollama.exchange import Exchange
from tests.ollama.native import JSON, Handle, Refused, encoded
from tests.ollama.tokens import pieces

if TYPE_CHECKING:
    from tests.ollama.generating import Run
    from tests.ollama.server import FakeOllama


@dataclass
class Account:
    """`prices` are USD per million tokens in, cached and out. What was used is counted as the cloud would bill it."""

    key: str = "cloud-key"
    prices: tuple[float, float, float] = (0.15, 0.014, 0.60)
    balance_usd: float = 20.0
    requests: int = 0
    used: dict[str, "list[int]"] = field(default_factory=dict)
    _read: "list[list[str]]" = field(default_factory=list)

    def admit(self, authorization: str) -> None:
        if authorization != f"Bearer {self.key}":
            raise Refused(401, "unauthorized")

    def cached(self, prompt: str) -> int:
        """Pieces that an earlier prompt began with as well."""
        words = pieces(prompt)
        shared = max((_common(words, earlier) for earlier in self._read), default=0)
        self._read.append(words)
        return shared

    def bill(self, model: str, run: "Run") -> None:
        self.requests += 1
        read, cached, made = self.used.setdefault(model, [0, 0, 0])
        self.used[model] = [read + run.prompt, cached + run.cached, made + run.made]

    def spent_usd(self, model: str | None = None) -> float:
        used = [self.used[model]] if model else list(self.used.values())
        price_in, price_cached, price_out = self.prices
        micro = sum(
            (read - cached) * price_in + cached * price_cached + made * price_out for read, cached, made in used
        )
        return round(micro / 1_000_000, 9)


def _common(words: list[str], earlier: list[str]) -> int:
    for place, (one, other) in enumerate(zip(words, earlier, strict=False)):
        if one != other:
            return place
    return min(len(words), len(earlier))


async def usage(fake: "FakeOllama", exchange: Exchange) -> None:
    account = fake.account
    if account is None or parse_qs(exchange.request.query).get("range", ["24h"])[0] not in ("24h", "7d", "30d"):
        raise Refused(404 if account is None else 400, "not found")
    totals = _totals(account, list(account.used.values()), account.spent_usd())
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    hour = {"from": _stamp(now), "until": _stamp(now + timedelta(hours=1)), "partial": True} | totals
    answer = {"range": "24h", "scope": "self", "granularity": "hour", "from": _stamp(now - timedelta(hours=24))}
    await exchange.whole(200, JSON, encoded(answer | {"until": _stamp(now), "totals": totals, "buckets": [hour]}))


def _stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _totals(account: Account, used: list[list[int]], spent: float) -> dict[str, float]:
    return {
        "request_count": account.requests,
        "usage_usd": spent,
        "input_tokens": sum(read for read, _, _ in used),
        "cached_input_tokens": sum(cached for _, cached, _ in used),
        "output_tokens": sum(made for _, _, made in used),
    }


async def balance(fake: "FakeOllama", exchange: Exchange) -> None:
    if fake.account is None:
        raise Refused(404, "not found")
    left = fake.account.balance_usd - fake.account.spent_usd()
    period = {"from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z"}
    included = {"balance_usd": left, "allowance_usd": fake.account.balance_usd, "period": period}
    await exchange.whole(200, JSON, encoded({"included": included, "purchased": {"balance_usd": 0}}))


ROUTES: dict[str, tuple[str, Handle]] = {"/api/usage": ("GET", usage), "/api/balance": ("GET", balance)}
