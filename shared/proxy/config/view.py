"""The proxy's settings as a YAML file that loads again, and as a table of what may stand in it."""

import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, inspect

from shared.proxy.config.proxy_config import OpenAIServer, ProxyConfig
from shared.proxy.config.values import Secret, ValueKind, allowed, described, kind_of
from shared.proxy.prices import Peak, Price

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]*")
_VARIABLE = re.compile(r"\$\{\w+\}")
_WIDE = 100
_ROWS: dict[str, Struct] = {"peak": Peak(), "prices": Price(), "openai": OpenAIServer()}


def as_yaml(config: ProxyConfig) -> str:
    """Keys are written as their variable, never as they are."""
    keys = _written(config)
    keys["ollama_cloud"]["api_key"] = "${OLLAMA_CLOUD_API_KEY}"
    return "".join(f"{line}\n" for line in _block(keys, 0))


def reference() -> list[tuple[str, str, str, str]]:
    """A row a key: its name, what is allowed, its default, and what it means where the name does not say."""
    defaults = _written(ProxyConfig())
    rows = []
    for name, kind in _keys(inspect.type_info(ProxyConfig), ""):
        rows.append((name, allowed(kind), _default(defaults, name), described(kind)))
    return rows


def _keys(kind: inspect.Type, prefix: str) -> Iterator[tuple[str, inspect.Type]]:
    assert isinstance(kind, inspect.StructType)
    for field in kind.fields:
        name, inner = f"{prefix}{field.encode_name}", field.type
        if isinstance(inner, inspect.DictType):
            yield from _keys(inner.value_type, f"{name}.NAME.")
        elif isinstance(inner, inspect.StructType):
            yield from _keys(inner, f"{name}.")
        elif (peak := _struct_in(inner)) is not None:
            yield from _keys(peak, f"{name}.")
        else:
            yield name, inner


def _struct_in(kind: inspect.Type) -> inspect.StructType | None:
    types = kind.types if isinstance(kind, inspect.UnionType) else ()
    return next((one for one in types if isinstance(one, inspect.StructType)), None)


def _default(defaults: dict[str, Any], name: str) -> str:
    first, *rest = name.split(".")
    found: Any = defaults.get(first, {})
    if "NAME" in rest:
        holder: Struct = {"peak": Peak(), "prices": Price(), "openai": OpenAIServer()}[
            "peak" if "peak" in rest else first
        ]
        found, rest = _written(holder), rest[-1:]
    for step in rest:
        found = found.get(step, "") if isinstance(found, dict) else ""
    return _flow(found) if found != "" else ""


def _written(struct: Struct) -> dict[str, Any]:
    """Without what is left out anyway: None where None is the default."""
    found = {}
    info = inspect.type_info(type(struct))
    assert isinstance(info, inspect.StructType)
    for field in info.fields:
        value = getattr(struct, field.name)
        if value is not None or field.default is not None:
            found[field.encode_name] = _plain(value, kind_of(field.type))
    return found


def _plain(value: Any, kind: ValueKind | None = None) -> Any:
    match value:
        case Struct():
            return _written(value)
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case tuple():
            return [_plain(item) for item in value]
        case Secret():
            return ""
        case _:
            return kind.show(value) if kind and value is not None else value


def _block(keys: dict[str, Any], depth: int) -> Iterator[str]:
    for key, value in keys.items():
        indent = "  " * depth
        flow = _flow(value)
        nested = isinstance(value, dict) and value
        if nested and (depth == 0 or len(flow) > _WIDE):
            yield f"{indent}{_scalar(key)}:"
            yield from _block(value, depth + 1)
        else:
            yield f"{indent}{_scalar(key)}: {flow}"


def _flow(value: Any, inside: bool = False) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_scalar(key)}: {_flow(item, True)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(_flow(item, True) for item in value) + "]"
        case _:
            return _scalar(value, inside)


def _scalar(value: Any, inside: bool = True) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = str(value)
    plain = _PLAIN.fullmatch(text) and text.lower() != "null" and not text.endswith(":")
    return text if plain or (not inside and _VARIABLE.fullmatch(text)) else json.dumps(text)
