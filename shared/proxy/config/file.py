"""A YAML file as values that know their line: no tag, no alias, no key twice, and nothing but text until a type says
more."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from shared.types.errors import SettingError

if TYPE_CHECKING:
    from yaml.events import Event, ScalarEvent

_MOST_BYTES = 1024 * 1024
_DEEPEST = 16
_NULL = ("null", "Null", "NULL", "~")
_VARIABLE = re.compile(r"\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ConfigError(SettingError):
    """The proxy's file, or a variable that wins over it, says something that it cannot say; the message names the
    file, the line and what is allowed there."""

    def __init__(self, place: str, detail: str) -> None:
        super().__init__(f"{place}: {detail}")


class Marked(Struct, frozen=True):
    """A value with its line. `written` is how a text stands in the file, before variables were put in: only that may
    be shown. A key without a value is an empty mapping."""

    line: int
    value: "str | dict[str, Marked] | list[Marked] | None"
    written: str = ""

    @property
    def plain(self) -> object:
        match self.value:
            case dict():
                return {key: item.plain for key, item in self.value.items()}
            case list():
                return [item.plain for item in self.value]
            case _:
                return self.value

    def at(self, path: Sequence[str | int]) -> "Marked":
        """The value that the path leads to; the last one on the way where it leads nowhere."""
        found = self
        for step in path:
            found = found._under(step)
        return found

    def _under(self, step: str | int) -> "Marked":
        match self.value:
            case dict() if isinstance(step, str):
                return self.value.get(step, self)
            case list() if isinstance(step, int) and step < len(self.value):
                return self.value[step]
        return self

    @property
    def displayed(self) -> str:
        match self.value:
            case None:
                return "null"
            case dict() if not self.value:
                return "empty"
            case dict():
                return "a mapping"
            case list():
                return "a list"
            case _:
                return repr(self.written[:60])


def read(path: Path, environ: Mapping[str, str]) -> Marked:
    """The file's mapping with its variables put in. Raises `ConfigError`."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), f"AEGIS_PROXY_CONFIG names a file that cannot be read: {error.strerror}") from None
    if len(content) > _MOST_BYTES:
        raise ConfigError(str(path), "the file is larger than 1 MiB")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ConfigError(str(path), "the file is not UTF-8") from None
    return _expanded(parse(text, str(path)), str(path), environ)


def parse(text: str, name: str) -> Marked:
    """Raises `ConfigError`. Variables stand as they are written."""
    import yaml

    try:
        return _Reading(name, yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark else name
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise ConfigError(place, f"this is not YAML: {problem}") from None


class _Reading:
    def __init__(self, name: str, events: "Iterator[Event]") -> None:
        self._name = name
        self._events = events

    def document(self) -> Marked:
        from yaml.events import DocumentStartEvent, StreamEndEvent

        next(self._events)
        if isinstance(next(self._events), StreamEndEvent):
            return Marked(1, {})
        found = self._value(next(self._events), 0)
        next(self._events)
        following = next(self._events)
        if isinstance(following, DocumentStartEvent):
            raise self._refused(following, "a second document begins here; one file holds one")
        if not isinstance(found.value, dict):
            raise ConfigError(f"{self._name}:{found.line}", "the file holds keys with values, like `ollama_cloud:`")
        return found

    def _value(self, event: "Event", depth: int) -> Marked:
        from yaml.events import MappingStartEvent, ScalarEvent, SequenceStartEvent

        if getattr(event, "anchor", None):
            raise self._refused(event, "anchors and aliases (&, *) are not allowed; write the value out")
        if getattr(event, "tag", None):
            raise self._refused(event, "tags (!) are not allowed; write the value alone")
        if depth > _DEEPEST:
            raise self._refused(event, "this is nested too deeply")
        match event:
            case ScalarEvent():
                return self._scalar(event)
            case SequenceStartEvent():
                return Marked(_line(event), [self._value(item, depth + 1) for item in self._until_end()])
            case MappingStartEvent():
                return Marked(_line(event), self._mapping(depth))
        raise self._refused(event, "this cannot stand here")

    def _scalar(self, event: "ScalarEvent") -> Marked:
        text = event.value
        if event.style is None and text == "":
            return Marked(_line(event), {})
        return Marked(_line(event), None if event.style is None and text in _NULL else text, text)

    def _mapping(self, depth: int) -> dict[str, Marked]:
        found: dict[str, Marked] = {}
        for event in self._until_end():
            key = self._value(event, depth + 1)
            if not isinstance(key.value, str):
                raise self._refused(event, "a key is a plain name")
            if key.value in found:
                raise self._refused(event, f"`{key.value}` stands here twice; keep one")
            found[key.value] = replace(self._value(next(self._events), depth + 1), line=key.line)
        return found

    def _until_end(self) -> "Iterator[Event]":
        from yaml.events import CollectionEndEvent

        while not isinstance(event := next(self._events), CollectionEndEvent):
            yield event

    def _refused(self, event: "Event", detail: str) -> ConfigError:
        return ConfigError(f"{self._name}:{_line(event)}", detail)


def _line(event: "Event") -> int:
    return int(event.start_mark.line) + 1


def _expanded(node: Marked, name: str, environ: Mapping[str, str], key: str = "") -> Marked:
    match node.value:
        case dict():
            items = {inner: _expanded(item, name, environ, inner) for inner, item in node.value.items()}
            return replace(node, value=items)
        case list():
            return replace(node, value=[_expanded(item, name, environ) for item in node.value])
        case str():
            return replace(node, value=_filled(node, node.value, name, environ, key == "api_key"))
        case None:
            return node


def _filled(node: Marked, text: str, name: str, environ: Mapping[str, str], may_be_unset: bool) -> str:
    def value_of(found: re.Match[str]) -> str:
        variable = found[1]
        if not found[0].endswith("}") or not _NAME.fullmatch(variable):
            raise ConfigError(f"{name}:{node.line}", f"{found[0]!r} is not a variable; they are written ${{NAME}}")
        if variable not in environ and not may_be_unset:
            detail = f"the variable {variable} is not set; set it, or write a value in place of ${{{variable}}}"
            raise ConfigError(f"{name}:{node.line}", detail)
        return environ.get(variable, "")

    return _VARIABLE.sub(value_of, text)
