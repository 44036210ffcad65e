"""`aegis functions`: the table of the suite, for a reader or for any broker and gateway."""

from typing import Any

import rich_click as click

from shared.terminal.failure import Exit, Failure
from shared.terminal.options import json_option
from shared.terminal.render import say_json, say_table

_COLUMNS = ("name", "needs", "min_scale", "max_scale", "concurrency", "timeout_s")
_OPERATION = ("on", "filter", "role", "emits")


@click.command()
@json_option
def functions(as_json: bool) -> None:
    """List the functions and what wakes them."""
    found = _table()
    if as_json:
        say_json({"items": [_item(function) for function in found]})
    else:
        head = ("function", "woken by", "summary", "role", "emits", "needs", "scale")
        say_table(head, [row for function in found for row in _rows(function)])


def _table() -> tuple[Any, ...]:
    from shared.table.table import TableError, load

    try:
        return load().functions
    except TableError as error:
        raise Failure(Exit.FAILED, str(error)) from error


def _item(function: Any) -> dict[str, Any]:
    operations = [{name: getattr(operation, name) for name in _OPERATION} for operation in function.operations]
    return {"operations": operations} | {name: getattr(function, name) for name in _COLUMNS}


def _rows(function: Any) -> list[tuple[object, ...]]:
    scale = f"{function.min_scale}-{function.max_scale}"
    return [
        (function.name, one.on, one.summary, one.role, one.emits, function.needs, scale) for one in function.operations
    ]
