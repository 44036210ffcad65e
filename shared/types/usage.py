"""The usage and the cost of a call."""

from msgspec import Struct


class Usage(Struct, frozen=True):
    """Tokens as counted by whoever read or wrote them; `estimated` where a count never came."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    embedded_tokens: int = 0
    cost_usd: float = 0.0
    estimated: bool = False
