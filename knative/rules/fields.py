"""Checks the fields of a manifest and their types, as the API server's strict decoding does."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct


class Each(Struct, frozen=True):
    """A map with free names and values of one shape."""

    value: Any


class Flagged(Struct, frozen=True):
    """A field that the cluster takes only where its feature flag is on; by default they are off."""

    flag: str


class Refused(Struct, frozen=True):
    """A field of Kubernetes that Knative refuses."""


ANYTHING = object()
"""A field whose content is not checked."""

Shape = Any
"""A type, a tuple of types, a list with the shape of its items, a dict of fields, or one of the above."""


def misfits(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """Yields fields that are not allowed or have another type. An absent or empty field always fits."""
    if shape is ANYTHING or value is None:
        return
    if isinstance(shape, Flagged):
        yield f"{path}: only taken where the cluster's feature flag {shape.flag} is on"
    elif isinstance(shape, Refused):
        yield f"{path}: never taken"
    elif isinstance(shape, dict):
        yield from _object(value, shape, path)
    elif isinstance(shape, Each):
        yield from _map(value, shape, path)
    elif isinstance(shape, list):
        yield from _list(value, shape[0], path)
    elif not _is_a(value, shape):
        yield f"{path}: {value!r} is not {_names(shape)}"


def _object(value: Any, shape: dict[str, Shape], path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is not an object"
        return
    for name, inner in value.items():
        where = f"{path}.{name}".lstrip(".")
        if name in shape:
            yield from misfits(inner, shape[name], where)
        else:
            yield f"{where}: no such field"


def _map(value: Any, shape: Each, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is not a map"
        return
    for name, inner in value.items():
        yield from misfits(inner, shape.value, f"{path}[{name}]")


def _list(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is not a list"
        return
    for number, inner in enumerate(value):
        yield from misfits(inner, shape, f"{path}[{number}]")


def _is_a(value: Any, kinds: type | tuple[type, ...]) -> bool:
    """Checks a type. Booleans are integers in Python, not in Kubernetes."""
    if isinstance(value, bool):
        return kinds is bool or (isinstance(kinds, tuple) and bool in kinds)
    return isinstance(value, kinds)


def _names(kinds: type | tuple[type, ...]) -> str:
    plain = {str: "text", int: "a whole number", bool: "true or false", float: "a number"}
    return " or ".join(plain[kind] for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
