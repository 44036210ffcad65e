"""Forecasts the billed units of a document's stages, at least and at most, and their cost."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil

from msgspec import Struct

from shared.estimation.extent import Extent, Range
from shared.estimation.token_estimator import TokenEstimator
from shared.parsing.document import PageStatistics
from shared.types.passage import Passage
from shared.usage.metering import Prices, priced
from shared.usage.records import Unit

_PLAIN_PAGE_MS = 15.0
_LAID_OUT_PAGE_MS = 700.0
_DRAWN_PAGE_MS = 6000.0
_READING_MS = {"light": (4.0, 0.004), "docling": (10.0, 0.008), "legacy": (10.0, 0.006), "office": (3000.0, 0.02)}
"""Of a document without pages: at once, and for each letter."""

_CUTTING_MS = (5.0, 0.02)
_EXTRACTING_MS = (6.0, 0.02)
_LINKING_MS = (15.0, 0.03)
_EMBEDDING_MS = (28.0, 0.5)
"""At once, and for each token."""

_FINISHING_MS = 1.0
_MOST_FOREIGN = 1.4
"""By how much another model's tokens may outnumber those that passages are cut by."""

_BELOW, _ABOVE = 0.58, 1.72
"""A busy machine takes longer than that, and is billed for it."""

Work = Mapping[Unit, Range]


class Forecast(Struct, frozen=True):
    """A stage's quantities in the units of the usage ledger: pages, tokens, milliseconds."""

    stage: str
    work: Work

    def cost(self, prices: Prices) -> Range:
        """The cost in micro-dollars."""
        low, high = (sum(line.cost_microusd for line in priced(done, prices)) for done in (self.least, self.most))
        return Range(low, high)

    @property
    def least(self) -> dict[Unit, int]:
        return {unit: one.low for unit, one in self.work.items()}

    @property
    def most(self) -> dict[Unit, int]:
        return {unit: one.high for unit, one in self.work.items()}


def forecasts(stages: Sequence[str], extent: Extent, reading_ms: float) -> list[Forecast]:
    """Returns the forecast of each stage, in their order."""
    pages = Range(extent.pages or 1, extent.pages or 1)
    known: dict[str, Callable[[], Work]] = {
        "parse": lambda: {"page_parsed": pages, **_seconds(reading_ms)},
        "parse_gpu": lambda: {"page_parsed": pages, "gpu_second": Range.around(reading_ms, _BELOW, _ABOVE)},
        "chunk": lambda: _seconds(_at_once(_CUTTING_MS, extent.tokens)),
        "embed": lambda: {"embedded_1k_tokens": extent.read, **_seconds(_at_once(_EMBEDDING_MS, extent.tokens))},
        "extract": lambda: _seconds(_at_once(_EXTRACTING_MS, extent.tokens)),
        "link": lambda: _seconds(_at_once(_LINKING_MS, extent.tokens)),
    }
    return [Forecast(stage, known.get(stage, lambda: _seconds(_FINISHING_MS))()) for stage in stages]


def reading_ms(parser: str, letters: int) -> float:
    """Returns the time that reading a document without pages takes."""
    return _at_once(_READING_MS.get(parser, (10.0, 0.01)), letters)


def reading_pages_ms(statistics: PageStatistics) -> float:
    """Returns the time that reading pages takes, by the method of each page."""
    plain = max(1, statistics.pages - statistics.layout_pages - statistics.ocr_pages)
    return plain * _PLAIN_PAGE_MS + statistics.layout_pages * _LAID_OUT_PAGE_MS + statistics.ocr_pages * _DRAWN_PAGE_MS


def of_embedding(passages: Sequence[Passage], *, many_languages: bool) -> Forecast:
    """Forecasts the embedding of passages, of which only the tokens of their contexts are estimated."""
    tokens = sum(passage.tokens for passage in passages)
    measure = TokenEstimator(" ".join(passage.text for passage in passages[:20]), many_languages=many_languages)
    beside = sum(measure.tokens(passage.context) + 2 for passage in passages)
    most = ceil(_MOST_FOREIGN * tokens if many_languages else tokens) + ceil(1.3 * beside) + 1
    read = Range(min(tokens, most), most)
    return Forecast("embed", {"embedded_1k_tokens": read, **_seconds(_at_once(_EMBEDDING_MS, tokens))})


def _seconds(milliseconds: float) -> Work:
    return {"function_second": Range.around(milliseconds, _BELOW, _ABOVE)}


def _at_once(milliseconds: tuple[float, float], size: int) -> float:
    once, each = milliseconds
    return once + each * size
