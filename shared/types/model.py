"""What the parts of the proxy say of a call of a language model."""

from typing import Literal

from msgspec import Struct

Location = Literal["local", "cloud"]
Quality = Literal["fast", "standard", "high"]
Complexity = Literal["simple", "complex"]
Kind = Literal["generation", "extraction", "vision"]
KINDS: tuple[Kind, ...] = ("generation", "extraction", "vision")
StrategyName = Literal["cost_optimized", "quality_optimized", "latency_optimized", "hybrid"]


class Counts(Struct, frozen=True):
    """Tokens as the server that ran the model counted them; `cached` ones are among `prompt`."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
