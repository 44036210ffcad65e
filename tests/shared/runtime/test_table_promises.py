"""A table that does not fit is refused with row and column; the suite's own fits its handlers."""

import importlib
import re
import sys
import typing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from events.document import DocumentChunked, DocumentParsed, DocumentStored
from shared.runtime.wiring.injection import plan
from shared.table.table import Function, Operation, Table, TableError, check_signature, load
from shared.types.principal import SCOPES

FITS = """
[function.upload]
summary = "Takes documents in."
needs = ["blobs"]
[[function.upload.operation]]
on = "POST /upload"
role = "member"
scope = "write"
emits = ["aegis.document.stored.v1"]
[[function.upload.operation]]
on = "GET /formats"
verb = "formats"
role = "public"

[function.parse]
summary = "Reads documents."
needs = ["blobs"]
concurrency = 2
[[function.parse.operation]]
on = "aegis.document.stored.v1"
emits = ["aegis.document.parsed.v1"]
"""

SUITE = load()
ROWS = [pytest.param(function, op, id=f"{function.name} {op.on}") for function, op in SUITE.rows]


def read(text: str, folder: Path) -> Table:
    path = folder / "table.toml"
    path.write_text(text)
    return load(path)


def test_a_table_that_fits_is_read_in_its_order(tmp_path: Path) -> None:
    table = read(FITS, tmp_path)
    assert [(function.name, op.on) for function, op in table.rows] == [
        ("upload", "POST /upload"),
        ("upload", "GET /formats"),
        ("parse", "aegis.document.stored.v1"),
    ]
    assert table.stages() == ("parse",)
    assert [op.verb for _, op in table.routes()] == ["handler", "formats"]
    assert (table.function("parse").concurrency, table.function("upload").concurrency) == (2, 20)


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ('summary = "Reads', 'sumary = "Reads', ["function parse", "'sumary'"]),
        ("concurrency = 2", "concurency = 2", ["function parse", "'concurency'"]),
        ('verb = "formats"', 'werb = "formats"', ["function upload, operation 2", "'werb'"]),
        ('emits = ["aegis.document.parsed.v1"]', 'emit = ["x"]', ["function parse, operation 1", "'emit'"]),
        ("concurrency = 2", 'concurrency = "two"', ["function parse", "concurrency", "int"]),
        ('needs = ["blobs"]', 'needs = ["blobbs"]', ["function upload", "needs", "blobbs"]),
        ('needs = ["blobs"]\nconcurrency', "concurrency", ["function parse", "needs"]),
        ('role = "member"', 'role = "membre"', ["function upload, operation 1", "role", "membre"]),
        ('scope = "write"', 'scope = "wright"', ["function upload, operation 1", "scope", "wright"]),
        ('role = "public"', 'role = "public"\nlimit = "few"', ["function upload, operation 2", "limit", "few"]),
        ('role = "public"', 'role = "public"\nspends = true', ["function upload, operation 2", "'spends'"]),
        ('role = "public"', "", ["function upload, operation 2", "'role'"]),
        ('on = "aegis.document.stored.v1"', 'on = "aegis.document.stored.v1"\nrole = "member"', ["parse", "'role'"]),
        ('on = "aegis.document.stored.v1"', 'on = "aegis.document.stord.v1"', ["function parse", "'on'", "stord"]),
        ('on = "GET /formats"', 'on = "GOT /formats"', ["function upload, operation 2", "'on'", "GOT"]),
        ('on = "GET /formats"', 'on = "GET formats"', ["function upload, operation 2", "'on'"]),
        ("parsed.v1", "pasted.v1", ["function parse, operation 1", "'emits'", "pasted"]),
        ('on = "aegis.document.stored.v1"', 'on = "aegis.document.chunked.v1"', ["function parse", "above", "chunked"]),
        ('on = "GET /formats"', 'on = "POST /upload"', ["'POST /upload'", "twice"]),
        ("[function.parse]", "[functions.parse]", ["'functions'"]),
        ("concurrency = 2", "concurrency =", ["line"]),
    ],
)
def test_what_does_not_fit_is_named_by_row_and_column(was: str, becomes: str, told: list[str], tmp_path: Path) -> None:
    assert was in FITS
    with pytest.raises(TableError) as refused:
        read(FITS.replace(was, becomes, 1), tmp_path)
    assert "table.toml" in str(refused.value)
    assert [word for word in told if word not in str(refused.value)] == []


def test_a_row_may_not_listen_to_what_is_said_below_it(tmp_path: Path) -> None:
    upload, parse = FITS.split("[function.parse]")
    with pytest.raises(TableError, match=r"function parse: nothing above it emits 'aegis\.document\.stored\.v1'"):
        read("[function.parse]" + parse + upload, tmp_path)


def test_a_row_may_listen_to_its_own_continuation(tmp_path: Path) -> None:
    itself = 'emits = ["aegis.document.parsed.v1", "aegis.document.stored.v1"]'
    read(FITS.replace('emits = ["aegis.document.parsed.v1"]', itself), tmp_path)


# The suite's own table


@pytest.mark.parametrize(("function", "operation"), ROWS)
def test_each_row_fits_its_handler(function: Function, operation: Operation) -> None:
    check_signature(function, operation)
    plan(function, operation)


NEEDS = {
    "TenantRecords": {"blobs"},
    "PlatformRecords": {"blobs"},
    "Blobs": {"blobs"},
    "StageWork": {"blobs"},
    "Accounts": {"blobs", "counters"},
    "Catalogue": {"blobs", "counters"},
    "Catalogues": {"blobs", "counters"},
    "Intake": {"blobs", "counters", "bus"},
    "RedisClient": {"counters"},
    "Leases": {"counters"},
    "BoundPublisher": {"bus"},
    "Vectors": {"vectors"},
    "VectorIndex": {"vectors"},
    "Embedding": {"embedding"},
    "ParserPool": {"parsing"},
}


@pytest.mark.parametrize(("function", "operation"), ROWS)
def test_a_handler_asks_for_no_store_that_its_row_does_not_name(function: Function, operation: Operation) -> None:
    hints = typing.get_type_hints(function.handler(operation))
    asked = set().union(*(NEEDS.get(getattr(hint, "__name__", ""), set()) for hint in hints.values()))
    assert asked <= set(function.needs), asked - set(function.needs)


def test_every_folder_of_the_suite_is_a_function_and_the_other_way_round() -> None:
    root = Path(importlib.import_module("functions").__path__[0])
    folders = {path.parent.name for path in root.glob("*/__init__.py")}
    assert folders == {function.name for function in SUITE.functions}


@pytest.mark.parametrize(("function", "operation"), ROWS)
def test_every_guarded_route_names_a_scope_and_every_summary_is_a_sentence(
    function: Function, operation: Operation
) -> None:
    assert re.fullmatch(r"[A-Z].*\.", function.summary)
    if operation.is_route and operation.role != "public":
        assert operation.scope in SCOPES or operation.path.startswith("/v1/")  # there each model has its own
        assert not set(operation.roles) - {"reader", "member", "admin", "operator"}


# Handlers that do not fit

SUPPORTED = Operation(on="aegis.document.parsed.v1", emits=("aegis.document.chunked.v1",))


async def fits(event: DocumentParsed) -> DocumentChunked:
    raise NotImplementedError


async def takes_another(event: DocumentStored) -> DocumentChunked:
    raise NotImplementedError


async def says_nothing(event: DocumentParsed) -> None:
    raise NotImplementedError


async def says_more(event: DocumentParsed) -> DocumentChunked | DocumentStored:
    raise NotImplementedError


async def has_no_types(event, more):  # type: ignore[no-untyped-def]
    raise NotImplementedError


async def has_no_return(event: DocumentParsed):  # type: ignore[no-untyped-def]
    raise NotImplementedError


def is_not_async(event: DocumentParsed) -> DocumentChunked:
    raise NotImplementedError


async def wants_the_moon(event: DocumentParsed, moon: Path) -> DocumentChunked:
    raise NotImplementedError


def put_behind(handle: Any, monkeypatch: pytest.MonkeyPatch) -> Function:
    module = ModuleType("odd.cut.handler")
    module.handle = handle  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "odd.cut.handler", module)
    return Function("Cuts.", (), (SUPPORTED,), name="cut", package="odd")


def test_a_handler_that_fits_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    check_signature(put_behind(fits, monkeypatch), SUPPORTED)


@pytest.mark.parametrize(
    ("handle", "told"),
    [
        (takes_another, "takes DocumentStored"),
        (says_nothing, "returns nothing, the row emits DocumentChunked"),
        (says_more, "returns DocumentChunked | DocumentStored"),
        (has_no_types, "without a type"),
        (has_no_return, "without a type"),
        (is_not_async, "not an async function"),
    ],
)
def test_a_handler_that_does_not_fit_its_row_is_named(handle: Any, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TableError, match=re.escape(told)) as refused:
        check_signature(put_behind(handle, monkeypatch), SUPPORTED)
    assert "function cut, aegis.document.parsed.v1" in str(refused.value)


def test_a_handler_that_asks_for_what_nothing_provides_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TableError, match=r"function cut.*'moon'.*pathlib\.Path"):
        plan(put_behind(wants_the_moon, monkeypatch), SUPPORTED)
