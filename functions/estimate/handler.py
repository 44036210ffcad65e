"""Tells what a document would become and cost, and runs nothing."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from functions.estimate.reading import Seen, see
from shared.estimation.extent import Range
from shared.estimation.forecast import forecasts
from shared.formats.filename import safe_filename
from shared.formats.router import FormatRouter
from shared.ledger.records import Reason
from shared.parsing.workers import ParserPool
from shared.proxy.config import ProxyConfig
from shared.runtime.errors import EmptyFile, Rejected, UnsupportedFormat
from shared.runtime.settings import Settings
from shared.runtime.table import Table
from shared.types.document import Classification
from shared.types.http import SpooledFile
from shared.types.money import Dollars, microusd, usd


class Estimate(Struct, frozen=True):
    """A form, as for `/upload`."""

    file: SpooledFile
    title: Annotated[str, Meta(max_length=500)] | None = None
    classification: Classification | None = None
    max_cost_usd: Dollars | None = None


class Cost(Struct, frozen=True):
    low: float = 0.0
    high: float = 0.0


class StageCost(Struct, frozen=True):
    stage: str
    location: Literal["local", "cloud"]
    cost_usd: Cost


class Estimated(Struct, frozen=True):
    """`reason` says why a document would be rejected, or would wait. `pages` is 0 where the format has none; `tokens`
    are those that embedding it is likely to read."""

    would: Literal["accept", "reject"]
    reason: Reason | None
    route: str | None
    pages: int
    tokens: int
    cost_usd: Cost
    stages: list[StageCost]


async def handle(
    request: Estimate, router: FormatRouter, parsers: ParserPool, table: Table, config: ProxyConfig, settings: Settings
) -> Estimated:
    file = request.file
    try:
        routed = router.route(safe_filename(file.filename), file.media_type, file.head, file.size, file.path)
    except (UnsupportedFormat, EmptyFile) as refused:
        code = "empty" if isinstance(refused, EmptyFile) else refused.slug
        return _rejected(Reason(code, refused.detail), None)
    try:
        seen = await see(routed, file, request.title or "", parsers, many_languages=settings.embedding != "builtin")
    except Rejected as rejected:
        return _rejected(Reason(rejected.code, rejected.detail), routed.route)
    return _estimated(request, routed.route, seen, table, config)


def _estimated(request: Estimate, route: str, seen: Seen, table: Table, config: ProxyConfig) -> Estimated:
    costs = {one.stage: one.cost(config.units) for one in forecasts(table.stages(route), seen.extent, seen.reading_ms)}
    whole = Range(sum(one.low for one in costs.values()), sum(one.high for one in costs.values()))
    return Estimated(
        would="accept",
        reason=_wait(request, whole),
        route=route,
        pages=seen.extent.pages,
        tokens=seen.extent.tokens,
        cost_usd=_shown(whole),
        stages=[StageCost(stage, "local", _shown(cost)) for stage, cost in costs.items()],
    )


def _wait(request: Estimate, whole: Range) -> Reason | None:
    if request.max_cost_usd is None or microusd(request.max_cost_usd) >= whole.low:
        return None
    return Reason("budget", "It would be taken in, and wait: it costs more than `max_cost_usd`.")


def _shown(cost: Range) -> Cost:
    return Cost(usd(cost.low), usd(cost.high))


def _rejected(reason: Reason, route: str | None) -> Estimated:
    return Estimated("reject", reason, route, 0, 0, Cost(), [])
