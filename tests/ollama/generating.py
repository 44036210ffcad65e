"""One run of a model at the fake: what it will say is settled before, when it says it is up to the server."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.ollama.models import Asked, Model, constrained
from tests.ollama.tokens import END, pieces


@dataclass(frozen=True)
class OutputToken:
    text: str
    thinking: bool = False


@dataclass(frozen=True)
class Run:
    """`made` counts what is billed; `cached` is said by the cloud only."""

    tokens: tuple[OutputToken, ...]
    finish: str
    prompt: int
    made: int
    cached: int = 0
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()

    @property
    def half(self) -> int:
        return max(1, len(self.tokens) // 2)


def run(
    model: Model,
    asked: Asked,
    prompt: int,
    *,
    thinks: bool,
    enforces: bool,
    window: int,
    shifts: bool,
    cached: int = 0,
) -> Run:
    """`window` is the context's tokens, which end the answer where the server may not shift it."""
    answer = _until_stop(constrained(model.answer(asked), enforces and asked.format), _stops(asked.options))
    words = [OutputToken(piece, thinking=True) for piece in pieces(model.thinks)] if thinks else []
    words += [OutputToken(piece) for piece in pieces(answer)]
    most = _most(asked.options, window - prompt if not shifts else None)
    if most is not None and len(words) >= most:
        return Run(tuple(words[:most]), "length", prompt, most, cached)
    calls = tuple(model.calls(asked)) if asked.tools else ()
    if calls:
        return Run((), "stop", prompt, sum(len(pieces(str(call))) for call in calls) + END, cached, calls)
    return Run(tuple(words), "stop", prompt, len(words) + END, cached)


def _most(options: Mapping[str, Any], room: int | None) -> int | None:
    """None where nothing bounds it: also what asking for no token at all means to a real server."""
    asked = int(options.get("num_predict", 0))
    bounds = [bound for bound in (asked if asked > 0 else None, room) if bound is not None]
    return max(1, min(bounds)) if bounds else None


def _stops(options: Mapping[str, Any]) -> list[str]:
    stop = options.get("stop") or []
    return [stop] if isinstance(stop, str) else list(stop)


def _until_stop(text: str, stops: list[str]) -> str:
    """The text before the first stop string."""
    found = min((text.find(stop) for stop in stops if stop in text), default=len(text))
    return text[:found]


def joined(run: Run, *, thinking: bool = False) -> str:
    return "".join(_of(run, thinking))


def _of(run: Run, thinking: bool) -> Iterator[str]:
    return (word.text for word in run.tokens if word.thinking is thinking)
