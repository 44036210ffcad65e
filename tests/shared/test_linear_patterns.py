"""No regular expression of ours takes more than linear time, whatever text is put before it."""

import ast
import re
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.texts import UNITS, growth

_ROOT = Path(__file__).parents[2]
_SEARCHES = re.compile(r"(\w+)\.(?:search|sub|subn|finditer|findall|split)\(")
_IN_SHORT_TEXTS = {
    "shared.language.sentences._TAIL": "the 25 characters before a full stop",
    "shared.parsing.legacy.marks._EMPHASIS": "a worker with limits; a mark reaches over 5,000 characters",
}
"""Patterns that are searched for in bounded texts only, and in which."""


@cache
def _sources() -> dict[str, str]:
    files = (file for folder in ("shared", "functions", "events") for file in sorted((_ROOT / folder).rglob("*.py")))
    return {".".join(file.relative_to(_ROOT).with_suffix("").parts): file.read_text() for file in files}


def _patterns_in(value: Any, depth: int = 4) -> Iterator[re.Pattern[Any]]:
    """The patterns that a module's variable is or holds."""
    inner: Any = ()
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, (tuple, list, set, frozenset)):
        inner = value
    elif not isinstance(value, type) and (fields := getattr(type(value), "__struct_fields__", ())):
        inner = [getattr(value, name) for name in fields]
    for one in inner if depth else ():
        yield from _patterns_in(one, depth - 1)


def _written_inline(source: str) -> Iterator[tuple[str, re.Pattern[Any]]]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="re"), attr=method), args=[ast.Constant(value=pattern), *_]
            ) if method != "compile":
                yield method, re.compile(pattern)


def _patterns() -> dict[str, list[tuple[re.Pattern[Any], bool]]]:
    """By name; with each, whether it is searched for at every place of a text, or matched at one."""
    searched = set(_SEARCHES.findall("\n".join(_sources().values())))
    found: dict[str, list[tuple[re.Pattern[Any], bool]]] = {}
    for module, source in _sources().items():
        for name, value in vars(import_module(module.removesuffix(".__init__"))).items():
            held = [(each, not isinstance(value, re.Pattern) or name in searched) for each in _patterns_in(value)]
            if held:
                found[f"{module}.{name}"] = held
        for method, pattern in _written_inline(source):
            found.setdefault(f"{module}: inline", []).append((pattern, method not in ("match", "fullmatch")))
    return found


def _work(pattern: re.Pattern[Any], is_searched: bool) -> Callable[[str], object]:
    def work(text: str) -> None:
        subject = text.encode("utf-8", "surrogatepass") if isinstance(pattern.pattern, bytes) else text
        pattern.fullmatch(subject)
        pattern.match(subject)
        if is_searched:
            deque(pattern.finditer(subject), maxlen=0)

    return work


def test_every_pattern_takes_linear_time_on_hostile_repetitions() -> None:
    slow = []
    seen: set[tuple[re.Pattern[Any], bool]] = set()
    for name, patterns in _patterns().items():
        if name in _IN_SHORT_TEXTS:
            continue
        for pattern, is_searched in patterns:
            if (pattern, is_searched) in seen:
                continue
            seen.add((pattern, is_searched))
            wrong = next(filter(None, (growth(_work(pattern, is_searched), unit) for unit in UNITS)), "")
            slow += [f"{name} on {wrong}"] if wrong else []
    assert len(seen) > 150
    assert slow == []


@pytest.mark.parametrize(("pattern", "unit"), [(r"\s+y", " "), (r"[.!]+\d", "."), (r"\d[\d.]*m", "0")])
def test_the_check_finds_patterns_that_are_not_linear(pattern: str, unit: str) -> None:
    assert growth(_work(re.compile(pattern), is_searched=True), unit)
