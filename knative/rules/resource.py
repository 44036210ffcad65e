"""A manifest and its surroundings, as rules read them."""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

Rule = Callable[["Resource"], Iterator[str]]
"""Yields a sentence for each fault, which begins with the field."""


class Resource(Struct, frozen=True):
    """A manifest. `accounts` are the service accounts that exist; every namespace has `default`."""

    manifest: dict[str, Any]
    accounts: frozenset[str] = frozenset({"default"})

    @property
    def name(self) -> str:
        return str(self.at("metadata", "name") or "")

    @property
    def spec(self) -> dict[str, Any]:
        return self.at("spec") or {}

    @property
    def pod(self) -> dict[str, Any]:
        return self.at("spec", "template", "spec") or {}

    @property
    def containers(self) -> list[dict[str, Any]]:
        return self.pod.get("containers") or []

    @property
    def annotations(self) -> dict[str, str]:
        return self.at("metadata", "annotations") or {}

    @property
    def scaling(self) -> dict[str, str]:
        """Returns the template's autoscaling annotations without their prefix, old spellings as they are."""
        prefix = "autoscaling.knative.dev/"
        noted = self.at("spec", "template", "metadata", "annotations") or {}
        return {key.removeprefix(prefix): value for key, value in noted.items() if key.startswith(prefix)}

    def at(self, *path: str) -> Any:
        """Returns the value at a path; None where the path ends early."""
        value: Any = self.manifest
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        return value
