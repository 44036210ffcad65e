"""A table that does not fit is refused with row and column; the suite's own fits its handlers."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from events.document import DocumentChunked, DocumentParsed, DocumentStored
from shared.access.accounts import Accounts
from shared.runtime.wiring.check import check_row, check_wiring
from shared.table.table import Function, Operation, Table, TableError, load
from shared.types.errors import NotFound
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
    ("was", "becomes", "expected"),
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
def test_what_does_not_fit_is_named_by_row_and_column(
    was: str, becomes: str, expected: list[str], tmp_path: Path
) -> None:
    assert was in FITS
    with pytest.raises(TableError) as refused:
        read(FITS.replace(was, becomes, 1), tmp_path)
    assert "table.toml" in str(refused.value)
    assert [word for word in expected if word not in str(refused.value)] == []


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
    check_row(function, operation)


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
        # There each model, or each tool, has its own.
        assert operation.scope in SCOPES or operation.path.startswith(("/v1/", "/mcp"))
        assert not set(operation.roles) - {"reader", "member", "admin", "operator"}


# Handlers that do not fit

SUPPORTED = Operation("aegis.document.parsed.v1", "Cut a document", emits=("aegis.document.chunked.v1",))


async def fits(event: DocumentParsed) -> DocumentChunked:
    raise NotImplementedError


async def takes_another(event: DocumentStored) -> DocumentChunked:
    raise NotImplementedError


async def returns_nothing(event: DocumentParsed) -> None:
    raise NotImplementedError


async def returns_more(event: DocumentParsed) -> DocumentChunked | DocumentStored:
    raise NotImplementedError


async def has_no_types(event, more):  # type: ignore[no-untyped-def]
    raise NotImplementedError


async def has_no_return(event: DocumentParsed):  # type: ignore[no-untyped-def]
    raise NotImplementedError


def is_not_async(event: DocumentParsed) -> DocumentChunked:
    raise NotImplementedError


async def wants_the_moon(event: DocumentParsed, moon: Path) -> DocumentChunked:
    raise NotImplementedError


async def wants_blobs_and_redis(event: DocumentParsed, accounts: Accounts) -> DocumentChunked:
    raise NotImplementedError


class AccountsAndTable(Struct, frozen=True):
    accounts: Accounts
    table: Table


class AccountsAndMoon(Struct, frozen=True):
    accounts: Accounts
    moon: Path


async def wants_a_group(event: DocumentParsed, group: AccountsAndTable) -> DocumentChunked:
    raise NotImplementedError


async def wants_a_group_with_the_moon(event: DocumentParsed, group: AccountsAndMoon) -> DocumentChunked:
    raise NotImplementedError


async def takes_nothing() -> DocumentChunked:
    raise NotImplementedError


class Strict(Struct):
    max_tokens: int


async def wants_settings(event: DocumentParsed, settings: Strict) -> DocumentChunked:
    raise NotImplementedError


def put_behind(
    handle: Any, monkeypatch: pytest.MonkeyPatch, operation: Operation = SUPPORTED, doc: str | None = "Cuts."
) -> Function:
    module = ModuleType("odd.cut.handler", doc)
    module.handle = handle  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "odd.cut.handler", module)
    return Function("Cuts.", ("blobs",), (operation,), name="cut", package="odd")


def refusal(function: Function, operation: Operation = SUPPORTED) -> str:
    with pytest.raises(TableError) as refused:
        check_row(function, operation)
    return str(refused.value)


def test_a_handler_that_fits_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    check_row(put_behind(fits, monkeypatch), SUPPORTED)


@pytest.mark.parametrize(
    ("handle", "column", "expected"),
    [
        (takes_another, "on", "takes DocumentStored"),
        (returns_nothing, "emits", "returns nothing, the row emits DocumentChunked"),
        (returns_more, "emits", "returns DocumentChunked | DocumentStored"),
        (has_no_types, "verb", "without a type"),
        (has_no_return, "verb", "without a type"),
        (is_not_async, "verb", "not an async function"),
        (takes_nothing, "verb", "takes no message"),
        (wants_the_moon, "verb", "nothing provides parameter 'moon' of type pathlib.Path"),
        (wants_blobs_and_redis, "needs", "parameter 'accounts' of type Accounts takes counters, which"),
        (wants_a_group, "needs", "parameter 'group' of type AccountsAndTable takes counters, which"),
        (wants_a_group_with_the_moon, "verb", "nothing provides parameter 'group' of type"),
        (wants_settings, "settings", "max_tokens"),
    ],
)
def test_a_handler_that_does_not_fit_its_row_is_named(
    handle: Any, column: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = refusal(put_behind(handle, monkeypatch))
    assert sentence.startswith(f"function cut, aegis.document.parsed.v1: column '{column}': ")
    assert expected in sentence


def test_a_verb_without_a_module_is_named_by_row_and_column() -> None:
    row = Operation("GET /formats", "List formats", verb="lst", role="public")
    sentence = refusal(SUITE.function("formats"), row)
    assert sentence == "function formats, GET /formats: column 'verb': No module named 'functions.formats.lst'"


def test_a_module_without_a_handle_is_named_by_row_and_column(monkeypatch: pytest.MonkeyPatch) -> None:
    function = put_behind(fits, monkeypatch)
    del sys.modules["odd.cut.handler"].handle
    assert refusal(function).endswith("column 'verb': module odd.cut.handler has no function `handle`")


@pytest.mark.parametrize("summary", ["", "Cuts.", "cut", "Cut "])
def test_a_row_without_a_summary_in_the_imperative_is_named_by_row_and_column(
    summary: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = replace(SUPPORTED, summary=summary)
    assert "function cut, aegis.document.parsed.v1: column 'summary': " in refusal(put_behind(fits, monkeypatch), row)


def test_a_verb_that_declares_another_error_than_a_problem_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    function = put_behind(fits, monkeypatch)
    sys.modules["odd.cut.handler"].ERRORS = (NotFound, ValueError)  # type: ignore[attr-defined]
    assert "column 'verb': ERRORS of module odd.cut.handler" in refusal(function)


@pytest.mark.parametrize("doc", [None, "", " "])
def test_a_verb_without_a_docstring_is_named_by_row_and_column(
    doc: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = refusal(put_behind(fits, monkeypatch, doc=doc))
    assert sentence.endswith("column 'verb': module odd.cut.handler has no docstring")


def test_a_path_parameter_that_the_message_does_not_have_is_named_by_row_and_column() -> None:
    row = Operation("DELETE /keys/{id}", "Revoke a key", verb="revoke", role="admin", scope="admin")
    sentence = refusal(SUITE.function("keys"), row)
    assert sentence == "function keys, DELETE /keys/{id}: column 'on': {id} is not a field of RevokeKey"


def test_a_start_refuses_a_table_that_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TableError, match=r"function cut.*'moon'"):
        check_wiring((SUITE.function("formats"), put_behind(wants_the_moon, monkeypatch)))
