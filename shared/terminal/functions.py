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
    items = [_item(function) for function in _table()]
    if as_json:
        say_json({"items": items})
    else:
        say_table(("function", "woken by", "role", "emits", "needs", "scale"), [row for i in items for row in _rows(i)])


def _table() -> tuple[Any, ...]:
    from shared.table.table import TableError, load

    try:
        return load().functions
    except TableError as error:
        raise Failure(Exit.FAILED, str(error)) from error


def _item(function: Any) -> dict[str, Any]:
    operations = [{name: getattr(operation, name) for name in _OPERATION} for operation in function.operations]
    return {"operations": operations} | {name: getattr(function, name) for name in _COLUMNS}


def _rows(item: dict[str, Any]) -> list[tuple[object, ...]]:
    scale = f"{item['min_scale']}-{item['max_scale']}"
    return [
        (item["name"], operation["on"], operation["role"], operation["emits"], item["needs"], scale)
        for operation in item["operations"]
    ]
