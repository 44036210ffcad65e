"""Checks the table's rows against their handlers before anything runs."""

import inspect
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from events import EVENTS
from shared.runtime.wiring.injection import HandlerSignature, needs_of, plan, signature
from shared.table.table import Function, Operation, TableError, members
from shared.types.errors import Problem
from shared.types.waiting import Waiting


def check_wiring(functions: Iterable[Function]) -> None:
    """Raises `TableError` for the first row that does not fit its handler."""
    for function in functions:
        for operation in function.operations:
            check_row(function, operation)


def check_row(function: Function, operation: Operation) -> None:
    """Checks the summary, the verb's docstring, errors and signature, the path, the needs, settings and events.

    Raises `TableError`, a sentence that names the row and the column.
    """
    where = function.row(operation)
    if not re.fullmatch(r"[A-Z].*[^.\s]", operation.summary):
        raise TableError(f"{where}: column 'summary': write it in the imperative, without a full stop")
    module = function.module(operation)
    if not (module.__doc__ or "").strip():
        raise TableError(f"{where}: column 'verb': module {module.__name__} has no docstring")
    handler = function.handler(operation)
    if not inspect.iscoroutinefunction(handler):
        raise TableError(f"{where}: column 'verb': handle is not an async function")
    if not all(isinstance(error, type) and issubclass(error, Problem) for error in function.errors(operation)):
        raise TableError(f"{where}: column 'verb': ERRORS of module {module.__name__} has more than problems")
    found = signature(function, operation)
    plan(function, operation)
    if operation.is_route:
        _check_path(where, operation, found)
    _check_needs(where, function, found)
    if operation.is_stage:
        _check_events(where, operation, found)


def _check_path(where: str, operation: Operation, found: HandlerSignature) -> None:
    if not (isinstance(found.message, type) and issubclass(found.message, msgspec.Struct)):
        raise TableError(f"{where}: column 'verb': handle takes no message, which is a struct, as its first parameter")
    fields = set(found.message.__struct_encode_fields__)
    for name in operation.path_parameters:
        if name not in fields:
            raise TableError(f"{where}: column 'on': {{{name}}} is not a field of {found.message.__name__}")


def _check_needs(where: str, function: Function, found: HandlerSignature) -> None:
    declared = {*function.needs, *function.optional}
    for name, hint in found.others.items():
        if missing := needs_of(hint) - declared:
            raise TableError(
                f"{where}: column 'needs': parameter {name!r} of type {hint.__qualname__} takes "
                f"{' and '.join(sorted(missing))}, which the row does not name"
            )


def _check_events(where: str, operation: Operation, found: HandlerSignature) -> None:
    taken = members(found.message)
    if EVENTS[operation.on] not in taken:
        raise TableError(f"{where}: column 'on': handle takes {_names(taken)}, not {operation.on}")
    returned = members(found.returns) - {type(None), Waiting}
    declared = {EVENTS[name] for name in operation.emits if name != "aegis.document.rejected.v1"}
    if returned != declared:
        raise TableError(
            f"{where}: column 'emits': handle returns {_names(returned)}, the row emits {_names(declared)}"
        )


def _names(kinds: set[Any]) -> str:
    return " | ".join(sorted(getattr(kind, "__name__", str(kind)) for kind in kinds)) or "nothing"
