"""Estimates the route, stages and cost of a document without running anything."""

from collections.abc import Iterable
from typing import Annotated, Literal

from msgspec import Meta, Struct

from functions.estimate.reading import UploadedFile
from shared.estimation.extent import Range
from shared.estimation.forecast import forecasts
from shared.formats.filename import safe_filename
from shared.formats.router import FormatRouter
from shared.parsing.pool import ParserPool
from shared.pictures.describer import Describer
from shared.proxy.config.proxy_config import ProxyConfig
from shared.records.records import TenantRecords
from shared.records.structs import Reason
from shared.runtime.wiring.settings import Settings
from shared.table.table import Table
from shared.types.document import Classification
from shared.types.errors import EmptyFile, Rejected, UnsupportedFormat
from shared.types.http import SpooledFile
from shared.types.money import Dollars, microusd, nearest_microusd, usd
from shared.types.payer import Payer
from shared.types.text import safe_title

_LONGEST_WAIT_S = 10.0
"""For the tenant's other documents that are being read."""


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
    request: Estimate,
    router: FormatRouter,
    parsers: ParserPool,
    table: Table,
    config: ProxyConfig,
    settings: Settings,
    describer: Describer,
    records: TenantRecords,
    payer: Payer,
) -> Estimated:
    file = request.file
    try:
        routed = router.route(safe_filename(file.filename), file.media_type, file.head, file.size, file.path)
    except (UnsupportedFormat, EmptyFile) as refused:
        code = "empty" if isinstance(refused, EmptyFile) else refused.slug
        return _rejected(Reason(code, refused.detail), None)
    reading = UploadedFile(
        routed,
        file,
        safe_title(request.title or ""),
        parsers.within(_LONGEST_WAIT_S),
        many_languages=settings.embedding != "builtin",
    )
    try:
        seen = await reading.seen()
        pictures = await reading.pictures(describer.most, seen)
    except Rejected as rejected:
        return _rejected(Reason(rejected.code, rejected.detail), routed.route)
    stages = [
        StageCost(one.stage, "local", _in_usd(one.cost(config.units)))
        for one in forecasts(table.stages(routed.route), seen.extent, seen.reading_ms)
    ]
    reason = None
    # Pictures are optional and keep no document waiting, so their cost is added after this.
    most = None if request.max_cost_usd is None else usd(microusd(request.max_cost_usd, "/max_cost_usd"))
    if most is not None and most < _sum(stage.cost_usd for stage in stages).low:
        reason = Reason("budget", "It would be taken in, and wait: it costs more than `max_cost_usd`.")
    if pictures:
        classification = request.classification or (await records.settings()).default_classification
        outlook = await describer.outlook(classification, payer)
        first, *others = stages
        of_pictures = _in_usd(Range(pictures * outlook.cost.low, pictures * outlook.cost.high))
        stages = [StageCost(first.stage, outlook.location, _sum([first.cost_usd, of_pictures])), *others]
    whole = _sum(stage.cost_usd for stage in stages)
    return Estimated("accept", reason, routed.route, seen.extent.pages, seen.extent.tokens, whole, stages)


def _sum(costs: Iterable[Cost]) -> Cost:
    """Exact, in micro-dollars."""
    each = list(costs)
    low, high = (sum(map(nearest_microusd, ends)) for ends in ([one.low for one in each], [one.high for one in each]))
    return Cost(usd(low), usd(high))


def _in_usd(cost: Range) -> Cost:
    return Cost(usd(cost.low), usd(cost.high))


def _rejected(reason: Reason, route: str | None) -> Estimated:
    return Estimated("reject", reason, route, 0, 0, Cost(), [])
