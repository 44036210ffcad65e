"""The proxy's settings as a YAML file that loads again, and as a table of what may stand in it."""

from collections.abc import Iterator
from decimal import Decimal
from math import inf
from typing import Any

from msgspec import Struct, inspect

from shared.proxy.config.proxy_config import OpenAIServer, ProxyConfig
from shared.proxy.config.values import Secret, ValueKind, allowed, described, kind_of
from shared.proxy.prices import Peak, Price

_WIDTH = 120
_ROWS: dict[str, Struct] = {"peak": Peak(), "prices": Price(), "openai": OpenAIServer()}


def as_yaml(config: ProxyConfig) -> str:
    """Keys are written as their variable, never as they are."""
    keys = _written(config)
    keys["ollama_cloud"]["api_key"] = "${OLLAMA_CLOUD_API_KEY}"
    return _dumped(keys, flow=None, width=_WIDTH)


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
        elif structs := [one for one in getattr(inner, "types", ()) if isinstance(one, inspect.StructType)]:
            yield from _keys(structs[0], f"{name}.")
        else:
            yield name, inner


def _default(defaults: dict[str, Any], name: str) -> str:
    first, *rest = name.split(".")
    found: Any = defaults.get(first, {})
    if "NAME" in rest:
        found, rest = _written(_ROWS["peak" if "peak" in rest else first]), rest[-1:]
    for step in rest:
        found = found.get(step, "") if isinstance(found, dict) else ""
    return _dumped(found, flow=True, width=inf).removesuffix("...\n").rstrip() if found != "" else ""


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
        case None:
            return None
        case _ if kind and kind.show is not str:
            return Decimal(kind.show(value))
        case _:
            return str(value) if isinstance(value, str) else value


def _dumped(value: Any, *, flow: bool | None, width: float) -> str:
    import yaml

    class Dumper(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML has no types
        """Amounts with exactly their digits, and no anchors."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def amount(dumper: Dumper, value: Decimal) -> yaml.ScalarNode:
        kind = "float" if "." in str(value) else "int"
        return dumper.represent_scalar(f"tag:yaml.org,2002:{kind}", str(value))

    Dumper.add_representer(Decimal, amount)
    options = {"sort_keys": False, "default_flow_style": flow, "width": width, "allow_unicode": True}
    return str(yaml.dump(value, Dumper=Dumper, **options))
