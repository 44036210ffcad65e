"""Converts the file's marked values to structs. An error names the line and what is allowed there."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import inspect
from msgspec.structs import replace

from shared.proxy.config.file import ConfigError, Marked
from shared.proxy.config.values import Secret, ValueKind, allowed, bare, prepared, type_at

S = TypeVar("S", bound=msgspec.Struct)
V = TypeVar("V")

_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `(.*)`")


class ConfigReader:
    def __init__(self, root: Marked, file: str, sections: Sequence[str]) -> None:
        self._root = root
        self._file = file
        for key, item in self._entries(root, "").items():
            if key not in sections:
                raise self._unknown(item.line, key, sections)

    def section(self, name: str, into: type[S]) -> S:
        return self._converted(self._root.at([name]) if self._has(name) else Marked(1, {}), into, name)

    def rows(self, name: str, into: type[S]) -> dict[str, S]:
        """A mapping whose keys are names of the user's own."""
        if not self._has(name):
            return {}
        entries = self._entries(self._root.at([name]), name)
        return {key: self._converted(row, into, f"{name}.{key}") for key, row in entries.items()}

    def value(self, name: str, into: Any, default: V) -> V:
        """A single value. `into` is its type, which may be a `Literal`. Raises `ConfigError`."""
        if not self._has(name):
            return default
        found: V = self._converted(self._root.at([name]), into, name)
        return found

    def _has(self, name: str) -> bool:
        return isinstance(self._root.value, dict) and name in self._root.value

    def _entries(self, node: Marked, name: str) -> dict[str, Marked]:
        if not isinstance(node.value, dict):
            raise ConfigError(f"{self._file}:{node.line}", f"`{name}` is {node.displayed}; it takes a mapping")
        return node.value

    def _converted(self, node: Marked, into: type[S], name: str) -> S:
        try:
            plain = prepared(node.plain, inspect.type_info(into))
            return msgspec.convert(plain, into, strict=False, dec_hook=lambda _, text: Secret.of(text))
        except msgspec.ValidationError as error:
            raise self._explained(str(error), node, into, name) from None

    def _explained(self, error: str, node: Marked, into: type[S], name: str) -> ConfigError:
        problem, _, place = error.partition(" - at `$")
        path: list[str | int] = [word or int(number) for word, number in _STEP.findall(place)]
        found, kind = node.at(path), type_at(inspect.type_info(into), path)
        dotted = ".".join([name, *map(str, path)])
        line = f"{self._file}:{found.line}"
        if unknown := _UNKNOWN.search(problem):
            fields = bare(kind).fields  # type: ignore[attr-defined]
            return self._unknown(found.at([unknown[1]]).line, f"{dotted}.{unknown[1]}", [f.encode_name for f in fields])
        if isinstance(bare(kind), inspect.StructType) and isinstance(found.value, dict):
            return ConfigError(line, f"`{dotted}`: {problem}")
        inner = bare(kind)
        is_secret = isinstance(inner, inspect.CustomType) and inner.cls is Secret
        displayed = "not text" if is_secret else found.displayed
        return ConfigError(line, f"`{dotted}` is {displayed}; it takes {allowed(kind)}")

    def _unknown(self, line: int, key: str, known: Sequence[str]) -> ConfigError:
        return ConfigError(f"{self._file}:{line}", f"`{key}` is not known; known here: {', '.join(known)}")


def with_thresholds(root: Marked, file: str) -> Marked:
    """A single threshold may stand in place of the list, and under its older name."""
    limits = root.at(["ollama_cloud", "cost_limits"])
    cloud = root.at(["ollama_cloud"])
    if not isinstance(root.value, dict) or not isinstance(cloud.value, dict) or "cost_limits" not in cloud.value:
        return root
    if not isinstance(limits.value, dict):
        return root
    keys = dict(limits.value)
    if older := keys.pop("alert_threshold_pct", None):
        if "alert_thresholds_pct" in keys:
            raise ConfigError(f"{file}:{older.line}", "write alert_thresholds_pct alone, without alert_threshold_pct")
        keys["alert_thresholds_pct"] = older
    given = keys.get("alert_thresholds_pct")
    if given and isinstance(given.value, str):
        keys["alert_thresholds_pct"] = Marked(given.line, [given])
    with_list = replace(cloud, value={**cloud.value, "cost_limits": replace(limits, value=keys)})
    return replace(root, value={**root.value, "ollama_cloud": with_list})


def address(environ: Mapping[str, str], variable: str, kind: ValueKind, otherwise: str) -> str:
    """The variable's address where it is set. Raises `ConfigError`."""
    text = environ.get(variable, "").strip()
    if not text:
        return otherwise
    try:
        return str(kind.read(text))
    except ValueError:
        raise ConfigError(variable, f"{text[:80]!r} is not an address that it takes; it takes {kind.allowed}") from None
