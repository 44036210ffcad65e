"""The fake's models: what they answer is a function of what they were asked."""

import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """What a model was asked. `text` is the last message, or the prompt; `pictures` are base64 as sent."""

    text: str
    messages: tuple[tuple[str, str], ...] = ()
    format: Any = None
    pictures: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    tools: tuple[Any, ...] = ()

    @property
    def whole(self) -> str:
        return "\n".join(content for _, content in self.messages) or self.text


Answer = Callable[[Asked], str]
Calls = Callable[[Asked], Sequence[tuple[str, dict[str, Any]]]]


def plainly(asked: Asked) -> str:
    return f"You said: {asked.text}"


@dataclass(frozen=True)
class Model:
    """`calls` are the functions that it calls, with their arguments, where it is given tools. `thinks` is what it
    thinks first, where it can; `remote_host` makes it a local name of a model elsewhere."""

    name: str = "smol"
    answer: Answer = plainly
    capabilities: tuple[str, ...] = ("completion",)
    context_tokens: int = 8192
    width: int = 576
    size: int = 98_363_007
    thinks: str = ""
    remote_host: str = ""
    calls: Calls = lambda asked: ()

    @property
    def full_name(self) -> str:
        return self.name if ":" in self.name else f"{self.name}:latest"

    def vector(self, text: str, dimensions: int | None = None) -> list[float]:
        """Of unit length, the same for the same words, nearer where texts share words."""
        total = [0.0] * self.width
        for word in text.lower().split() or [""]:
            generator = random.Random(f"{self.name}:{word}")
            total = [old + generator.gauss(0, 1) for old in total]
        taken = total[:dimensions] if dimensions else total
        length = math.sqrt(sum(value * value for value in taken)) or 1.0
        return [round(value / length, 8) for value in taken]


def constrained(text: str, wanted: Any) -> str:
    """A grammar lets nothing else through: the model's own words where they are JSON, else the least that fits."""
    if not wanted:
        return text
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(fitting(wanted if isinstance(wanted, dict) else {"type": "object"}))
    return text


def fitting(schema: Mapping[str, Any]) -> Any:
    """The plainest value of a schema."""
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return fitting(schema[key][0])
    kind = schema.get("type", "object")
    return _PLAIN[kind[0] if isinstance(kind, list) else kind](schema)


_PLAIN: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "object": lambda schema: {name: fitting(inner) for name, inner in schema.get("properties", {}).items()},
    "array": lambda schema: [fitting(schema.get("items", {}))] * int(schema.get("minItems", 0)),
    "string": lambda schema: "word",
    "integer": lambda schema: int(schema.get("minimum", 1)),
    "number": lambda schema: float(schema.get("minimum", 1)),
    "boolean": lambda schema: True,
    "null": lambda schema: None,
}
