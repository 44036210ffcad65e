"""Describes pictures with a vision model, where the proxy's file enables it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from shared.estimation.extent import Range
from shared.proxy.prices import PriceTable
from shared.proxy.task import LLMTask, Part, Picture, PromptMessage
from shared.telemetry.logs import log
from shared.types.clock import now
from shared.types.document import Classification
from shared.types.errors import AegisError
from shared.types.model import Location, TokenCounts
from shared.types.payer import Payer

if TYPE_CHECKING:  # the proxy brings its clients along, and is needed only where something is described
    from shared.proxy.execution.proxy import ExecutionProxy

PLACED = frozenset(
    {
        "application/pdf",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "image/png",
        "image/jpeg",
        "image/tiff",
        "image/bmp",
        "image/webp",
    }
)
"""Formats of which it is known where their pictures stand."""

READ_LETTERS = 100
"""A picture of a whole page is not described where so many letters of it can be read."""

MOST_TOKENS = 320

_PROMPT = (
    "This picture stands in a document. Describe it for somebody who cannot see it and will search for it: what it "
    "shows, every word and number that can be read on it, and what a chart or diagram says. Write plain sentences, "
    "120 words at most, and nothing else. If it shows nothing, or is an ornament, answer with the one word NOTHING."
)
_NOTHING = "NOTHING"
_PROMPT_TOKENS, _ANSWER_TOKENS = 110, 130
_SEEN = 0.75
"""The share of the most that a picture can count as which pictures usually do."""


class Description(Struct, frozen=True):
    """A picture's description; `text` is empty where there is nothing to describe."""

    text: str
    cost_microusd: int = 0


class Outlook(Struct, frozen=True):
    """The location and the cost (micro-dollars) of describing a picture."""

    location: Location
    cost: Range = Range(0, 0)


class Describer:
    """`most` is how many pictures of a document are described; 0 where none are."""

    def __init__(self, most: int, proxy: "Callable[[], ExecutionProxy]", prices: PriceTable | None = None) -> None:
        self.most = most
        self._proxy = proxy
        self._prices = prices or PriceTable({})

    async def describe(self, picture: bytes, classification: Classification, payer: Payer) -> Description | None:
        """Describes a picture; None where no model can or may read it: the document is parsed without."""
        try:
            result = await self._proxy().execute(_task(picture, classification, payer))
        except AegisError as error:
            about = {"tenant": payer.tenant_id, "document": payer.document_id}
            log().warning(f"a picture is not described: {error}", extra=about)
            return None
        text = " ".join(result.text.split())
        return Description("" if text.strip(".") == _NOTHING else text, result.cost_microusd)

    async def outlook(self, classification: Classification, payer: Payer) -> Outlook:
        """Returns the location and cost of describing one picture now."""
        try:
            decision = await self._proxy().outlook(_task(b"", classification, payer))
        except AegisError:
            return Outlook("local")
        price = self._prices.price(decision.model)
        if decision.location != "cloud" or price is None or price.image_tokens is None:
            return Outlook("local")
        usual = TokenCounts(prompt=_PROMPT_TOKENS + round(_SEEN * price.image_tokens), completion=_ANSWER_TOKENS)
        cost = self._prices.cost(decision.model, usual, now()) or 0
        return Outlook("cloud", Range.around(cost, 0.58, 1.72))


def _task(picture: bytes, classification: Classification, payer: Payer) -> LLMTask:
    return LLMTask(
        kind="vision",
        payer=payer,
        messages=(PromptMessage("user", (Part(_PROMPT, ours=True),), (Picture(picture, classification),)),),
        classification=classification,
        max_output_tokens=MOST_TOKENS,
    )
