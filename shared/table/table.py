"""Reads `functions/table.toml`, row by row, and refuses what does not fit."""

import importlib
import re
import tomllib
import types
import typing
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct, field

from events import EVENTS
from shared.types.errors import Problem

Need = Literal["blobs", "counters", "bus", "vectors", "graph", "embedding", "parsing", "pool", "model"]
RoleColumn = Literal["public", "reader", "member", "admin", "operator", "admin operator"]
ScopeColumn = Literal["", "read", "write", "ask", "admin", "models"]
RatePolicy = Literal["default", "reads", "none"]

DEAD_LETTER = "aegis.dead-letter"
_Row = TypeVar("_Row", bound=Struct)
_ROUTE = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/\S*)")
_PARAMETER = re.compile(r"{(\w+)}")


class TableError(ValueError):
    """The table does not fit; the message names row and column."""


class Operation(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing a function does: what wakes it, who may, which verb runs, what it emits."""

    on: str
    summary: str = ""
    verb: str = "handler"
    role: RoleColumn | None = None
    scope: ScopeColumn = ""
    limit: RatePolicy = "default"
    emits: tuple[str, ...] = ()
    filter: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    stage: bool = True
    spends: bool = False
    audit: Literal["access", "change", "erasure"] | None = None

    @property
    def is_route(self) -> bool:
        return _ROUTE.fullmatch(self.on) is not None

    @property
    def method(self) -> str:
        return self.on.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.on.partition(" ")[2]

    @property
    def path_parameters(self) -> tuple[str, ...]:
        """The parameters' names, in the order of the path."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def roles(self) -> tuple[str, ...]:
        return tuple((self.role or "").split())

    def is_on(self, route: str | None) -> bool:
        """Whether documents of the route come by; None stands for any."""
        return route is None or self.filter.get("route", route) == route

    @property
    def is_stage(self) -> bool:
        return self.stage and self.on.startswith("aegis.document.")


class DoclingRow(Struct, frozen=True, forbid_unknown_fields=True):
    """What differs in a row where Docling's models read pages: graphics cards, the image with the models, memory."""

    cards: int
    image: str
    memory: str


class Function(Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One folder, one image, one service."""

    summary: str
    needs: tuple[Need, ...]
    operation: tuple[Operation, ...]
    name: str = ""
    package: str = "functions"
    image: str = "light"
    optional: tuple[Need, ...] = ()
    min_scale: int = 0
    max_scale: int = 10
    concurrency: int = 20
    timeout_s: int = 60
    memory: str = "512Mi"
    cpu: str = "1"
    docling: DoclingRow | None = None
    join: bool = False

    @property
    def operations(self) -> tuple[Operation, ...]:
        return self.operation

    @property
    def required(self) -> tuple[Need, ...]:
        """The needs without which it does not start."""
        return tuple(need for need in self.needs if need not in self.optional)

    def row(self, operation: Operation) -> str:
        """The name of an operation's row in messages."""
        return f"function {self.name}, {operation.on}"

    def module(self, operation: Operation) -> ModuleType:
        """The verb's module, imported now and not before. Raises `TableError`."""
        try:
            return importlib.import_module(f"{self.package}.{self.name}.{operation.verb}")
        except ImportError as error:
            raise TableError(f"{self.row(operation)}: column 'verb': {error}") from error

    def handler(self, operation: Operation) -> Callable[..., Any]:
        """The `handle` of the verb's module. Raises `TableError`."""
        module = self.module(operation)
        try:
            return typing.cast(Callable[..., Any], module.handle)
        except AttributeError:
            where = f"{self.row(operation)}: column 'verb'"
            raise TableError(f"{where}: module {module.__name__} has no function `handle`") from None

    def errors(self, operation: Operation) -> tuple[type[Problem], ...]:
        """The problems that the verb declares in `ERRORS`; those of every route are not among them."""
        return getattr(self.module(operation), "ERRORS", ())

    def stage_version(self, operation: Operation) -> Any:
        """The version of the library behind a stage, with its settings; when it changes, results are made anew."""
        return getattr(self.module(operation), "STAGE_VERSION", 1)


class Table(Struct, frozen=True, dict=True):
    functions: tuple[Function, ...]

    def function(self, name: str) -> Function:
        for function in self.functions:
            if function.name == name:
                return function
        raise TableError(f"there is no function {name!r}; `aegis functions` lists them")

    @cached_property
    def rows(self) -> tuple[tuple[Function, Operation], ...]:
        return tuple((function, op) for function in self.functions for op in function.operations)

    def routes(self) -> Iterator[tuple[Function, Operation]]:
        return ((function, op) for function, op in self.rows if op.is_route)

    def listeners(self, event_type: str) -> Iterator[tuple[Function, Operation]]:
        return ((function, op) for function, op in self.rows if op.on == event_type)

    def stages(self, route: str | None = None) -> tuple[str, ...]:
        """Names of the pipeline's functions, in the order a document travels; those of one route, or of all."""
        return tuple(dict.fromkeys(f.name for f, op in self.rows if op.is_stage and op.is_on(route)))

    def stages_emitting(self, event_type: str) -> tuple[str, ...]:
        """The stages whose outcome an event of this type is; none for what an endpoint emits."""
        return tuple(f.name for f, op in self.rows if op.is_stage and event_type in op.emits)


def load(path: Path | None = None, package: str = "functions") -> Table:
    """The suite's table, or another whose functions are the folders of `package`. Raises `TableError` with row and
    column."""
    path = path or Path(importlib.import_module("functions").__path__[0]) / "table.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise TableError(f"{path.name}: {error}") from error
    if unknown := raw.keys() - {"function"}:
        raise TableError(f"{path.name}: unknown section {sorted(unknown)[0]!r}; every section is [function.NAME]")
    table = Table(tuple(_function(path.name, package, name, row) for name, row in raw.get("function", {}).items()))
    _check_order(path.name, table)
    return table


def _function(file: str, package: str, name: str, row: dict[str, Any]) -> Function:
    operations = row.pop("operation", [])
    decoded = tuple(
        _decode(f"{file}: function {name}, operation {number}", operation, Operation)
        for number, operation in enumerate(operations, 1)
    )
    function = _decode(f"{file}: function {name}", {**row, "name": name, "package": package, "operation": ()}, Function)
    for number, operation in enumerate(decoded, 1):
        _check_operation(f"{file}: function {name}, operation {number}", operation)
    return msgspec.structs.replace(function, operation=decoded)


def _decode(where: str, row: dict[str, Any], kind: type[_Row]) -> _Row:
    given = {"name", "package", "operation"}
    known = set(kind.__struct_fields__) - given
    for column in row.keys() - known - given:
        raise TableError(f"{where}: unknown column {column!r}; known are {', '.join(sorted(known))}")
    try:
        return msgspec.convert(row, kind)
    except msgspec.ValidationError as error:
        raise TableError(f"{where}: {error}") from error


def _check_operation(where: str, operation: Operation) -> None:
    if not operation.is_route and operation.on not in EVENTS and operation.on != DEAD_LETTER:
        raise TableError(f"{where}: column 'on': {operation.on!r} is neither `METHOD /path` nor an event's type")
    if operation.is_route != (operation.role is not None):
        raise TableError(f"{where}: column 'role': a route has one, an event has none")
    if operation.spends and (not operation.is_route or operation.role == "public"):
        raise TableError(f"{where}: column 'spends': a caller that pays is known by a credential")
    if operation.audit and (not operation.is_route or operation.role == "public"):
        raise TableError(f"{where}: column 'audit': who acts is known by a credential")
    for event_type in operation.emits:
        if event_type not in EVENTS:
            raise TableError(f"{where}: column 'emits': no event has the type {event_type!r}")


def _check_order(file: str, table: Table) -> None:
    """A row may only listen to what a row above it, or itself, emits."""
    emitted = {"aegis.clock.ticked.v1", DEAD_LETTER}
    for function, operation in table.rows:
        emitted.update(operation.emits)
        if not operation.is_route and operation.on not in emitted:
            raise TableError(f"{file}: function {function.name}: nothing above it emits {operation.on!r}")
    routes = [op.on for _, op in table.routes()]
    for route in routes:
        if routes.count(route) > 1:
            raise TableError(f"{file}: {route!r} is declared twice")


def members(hint: Any) -> set[Any]:
    """The types of a union, or the one type."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return set(typing.get_args(hint))
    return {hint}
