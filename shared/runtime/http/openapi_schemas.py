"""The JSON schemas of an OpenAPI document, with unique names."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

_PREFIX = "#/components/schemas/"


class Schemas:
    """The schemas of some types and of all that they refer to; types of the same name get their module's name too."""

    def __init__(self, kinds: Iterable[Any]) -> None:
        unique = list(dict.fromkeys(kinds))
        references, self._components = msgspec.json.schema_components(
            unique,
            ref_template=_PREFIX + "{name}",
            schema_hook=lambda kind: {"type": "string"},  # a path on our disk, which no client sees
        )
        self._references = dict(zip(unique, references, strict=True))

    def reference(self, kind: Any) -> dict[str, Any]:
        found: dict[str, Any] = self._references[kind]
        return found

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema itself, for a part of it to be used."""
        found: dict[str, Any] = self._components[_name(self._references[kind]["$ref"])]
        return found

    def used_by(self, description: Any) -> dict[str, Any]:
        """The schemas that the description refers to, directly or not, in the order of their names."""
        used: set[str] = set()
        waiting = {_name(reference) for reference in references(description)}
        while waiting:
            used |= waiting
            found = {_name(reference) for name in waiting for reference in references(self._components[name])}
            waiting = found - used
        return {name: self._components[name] for name in sorted(used)}


def references(part: Any) -> Iterator[str]:
    """Every reference to a schema in a part of a description."""
    if isinstance(part, dict):
        found = part.get("$ref")
        if isinstance(found, str) and found.startswith(_PREFIX):
            yield found
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from references(inner)


def _name(reference: str) -> str:
    return reference.removeprefix(_PREFIX)
