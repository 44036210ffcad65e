"""Computes what a month of work costs under each strategy, with the machine that could do it.

All assumptions are in the three structs. Prices come from the price table, decisions from the code of the product.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Literal

from msgspec import Struct

from shared.proxy.config.proxy_config import PRICES, ProxyConfig
from shared.proxy.prices import PriceTable
from shared.proxy.routing.strategies import RoutingState, TaskFacts, decide
from shared.types.model import StrategyName, TokenCounts

Work = Literal["question", "passage", "picture"]


class Month(Struct, frozen=True):
    """The work of a month. Tokens are of one call. A large model thinks before it answers, at a cost.

    Passages a page and the tokens of prompts are what `python -m tests.speed passages` measures on reports; the tokens
    of an extraction's answer are those of the labels in `tests/speed/labelled.txt`. The rest is assumed.
    """

    questions: int = 10_000
    documents: int = 1_000
    entities: int = 50_000
    pages_short: int = 6
    pages_long: int = 33
    long_pct: int = 15
    passages_a_page: int = 4
    pictures: int = 500
    question: TokenCounts = TokenCounts(1_500, 250)
    passage: TokenCounts = TokenCounts(610, 200)
    picture: TokenCounts = TokenCounts(1_300, 200)
    thinking: int = 350
    hard_pct: int = 20
    confidential_pct: int = 10
    quick_pct: int = 5
    busy_pct: int = 10

    @property
    def pages(self) -> int:
        long = self.documents * self.long_pct // 100
        return long * self.pages_long + (self.documents - long) * self.pages_short

    def work(self) -> Iterator[tuple[Work, int, TokenCounts]]:
        """Each kind of call, how many there are, and the tokens of one."""
        yield "question", self.questions, self.question
        yield "passage", self.pages * self.passages_a_page, self.passage
        yield "picture", self.pictures, self.picture


class Machine(Struct, frozen=True):
    """A machine with a card of the class of an RTX 3060 with 12 GB, and models of 3 to 7 billion parameters on it."""

    card_usd: int = 330
    rest_usd: int = 600
    service_months: int = 36
    busy_watts: int = 250
    idle_watts: int = 60
    kwh_cents: int = 30
    reads_per_s: int = 1_500
    writes_per_s: int = 60
    hours: int = 730

    @property
    def amortised_usd(self) -> float:
        return (self.card_usd + self.rest_usd) / self.service_months

    def power_usd(self, busy_hours: float, stays_on: bool) -> float:
        idle_hours = self.hours - busy_hours if stays_on else 0
        return (busy_hours * self.busy_watts + idle_hours * self.idle_watts) / 1000 * self.kwh_cents / 100

    @property
    def idle_usd(self) -> float:
        """Returns the cost of a month without questions."""
        return self.amortised_usd + self.power_usd(0, stays_on=True)


class Delays(Struct, frozen=True):
    """Delays in milliseconds until an answer starts, and the tokens a second that the cloud writes."""

    local: int = 1_200
    local_busy: int = 6_000
    cloud: int = 1_800
    cloud_writes_per_s: int = 100


class Plan(Struct, frozen=True):
    """A plan of Ollama Cloud: its price and its credits in USD a month, and how many calls run at a time."""

    name: str
    usd: int
    credits_usd: int
    slots: int


PLANS = (
    Plan("pay as you go", 0, 0, 1),
    Plan("Pro", 20, 60, 3),
    Plan("Max", 100, 300, 10),
    Plan("Team", 500, 1_000, 10),
)
"""As reported on 2026-09-01 (srnoob2570/ollama-cloud-pricing-bench #3); that pay as you go replaces the free plan from
2026-11-09 on is from OmniRoute's discussion #19260, which gives it no slots: one is assumed, as the free plan had."""

MONTH, MACHINE, DELAYS = Month(), Machine(), Delays()
CONFIG = ProxyConfig()
TABLE = PriceTable(PRICES)
MODELS: dict[Work, str] = {
    "question": CONFIG.ollama_cloud.models.generation,
    "passage": CONFIG.ollama_cloud.models.extraction,
    "picture": CONFIG.ollama_cloud.models.vision,
}
QUIET_HOUR = datetime(2026, 11, 22, 3, tzinfo=UTC)
PEAK_HOUR = datetime(2026, 11, 23, 13, tzinfo=UTC)


class Bill(Struct, frozen=True):
    """Counts of calls by place, cloud calls by reason, and their cost."""

    places: Counter[str]
    reasons: Counter[str]
    usd: float


def tokens() -> TokenCounts:
    """Returns the tokens of the whole month, on a model that does not think."""
    work = list(MONTH.work())
    return TokenCounts(sum(n * one.prompt for _, n, one in work), sum(n * one.completion for _, n, one in work))


def busy_hours() -> float:
    all_of_it = tokens()
    return (all_of_it.prompt / MACHINE.reads_per_s + all_of_it.completion / MACHINE.writes_per_s) / 3600


def cloud_usd(work: Work, calls: int, model: str = "", at: datetime = QUIET_HOUR) -> float:
    """Returns the cost; each call is rounded up, as in the product."""
    one = {name: counts for name, _, counts in MONTH.work()}[work]
    cost = TABLE.cost(model or MODELS[work], TokenCounts(one.prompt, one.completion + MONTH.thinking), at)
    assert cost is not None, f"{model or MODELS[work]} has no price"
    return calls * cost / 1_000_000


def all_cloud_usd() -> float:
    return sum(cloud_usd(work, calls) for work, calls, _ in MONTH.work())


def on_plan_usd(plan: Plan, cloud: float) -> float:
    """Returns a month's cost with calls for so much. What goes beyond the credits is bought at the same prices."""
    return plan.usd + max(0.0, cloud - plan.credits_usd)


def questions_an_hour(plan: Plan) -> int:
    """Returns the most that the plan's slots can answer."""
    seconds = DELAYS.cloud / 1000 + (MONTH.question.completion + MONTH.thinking) / DELAYS.cloud_writes_per_s
    return int(plan.slots * 3600 / seconds)


def bill_under(strategy: StrategyName) -> Bill:
    bill = Bill(Counter(), Counter(), 0.0)
    spent = 0.0
    for work, facts, state, calls in tasks():
        decision = decide(facts, state, strategy)
        bill.places[str(decision.location)] += calls
        if decision.location == "cloud":
            bill.reasons[decision.reason] += calls
            spent += cloud_usd(work, calls)
    return Bill(bill.places, bill.reasons, spent)


def tasks() -> Iterator[tuple[Work, TaskFacts, RoutingState, int]]:
    """Yields each request, the state of the system at that moment, and how often. Traits are independent."""
    traits = (MONTH.hard_pct, MONTH.confidential_pct, MONTH.quick_pct, MONTH.busy_pct)
    for (hard, secret, quick, busy), calls in _shares(MONTH.questions, *traits):
        facts = TaskFacts(
            complexity="complex" if hard else "simple",
            classification="confidential" if secret else "internal",
            max_latency_ms=400 if quick else None,
        )
        yield "question", facts, _state(busy), calls
    for (long, secret), documents in _shares(MONTH.documents, MONTH.long_pct, MONTH.confidential_pct):
        pages = MONTH.pages_long if long else MONTH.pages_short
        facts = TaskFacts(kind="extraction", pages=pages, classification="confidential" if secret else "internal")
        yield "passage", facts, _state(False), documents * pages * MONTH.passages_a_page
    unpriced = RoutingState(cloud_configured=True, budget_ok=False)
    yield "picture", TaskFacts(kind="vision"), unpriced, MONTH.pictures


def _state(busy: bool) -> RoutingState:
    return RoutingState(
        cloud_configured=True,
        gpu_busy=0.9 if busy else 0.3,
        local_latency_ms=DELAYS.local_busy if busy else DELAYS.local,
        cloud_latency_ms=DELAYS.cloud,
    )


def _shares(total: int, *percents: int) -> Iterator[tuple[tuple[bool, ...], int]]:
    for traits in product((True, False), repeat=len(percents)):
        count = total
        for has, percent in zip(traits, percents, strict=True):
            count *= percent if has else 100 - percent
        share, rest = divmod(count, 100 ** len(percents))
        assert rest == 0, "shares of the month come out even"
        yield traits, share
