"""`aegis functions`: the table of functions, for readers and for any broker and gateway."""

from typing import Any

import rich_click as click

from shared.terminal.errors import CommandError, ExitCode
from shared.terminal.options import json_option
from shared.terminal.output import write_json, write_table

_COLUMNS = ("name", "needs", "min_scale", "max_scale", "concurrency", "timeout_s")
_OPERATION = ("on", "filter", "role", "emits")


@click.command()
@json_option
def functions(as_json: bool) -> None:
    """List the functions and their triggers."""
    found = _table()
    if as_json:
        items = []
        for each in found:
            operations = [{name: getattr(one, name) for name in _OPERATION} for one in each.operations]
            items.append({"operations": operations} | {name: getattr(each, name) for name in _COLUMNS})
        write_json({"items": items})
    else:
        head = ("function", "trigger", "summary", "role", "emits", "needs", "scale")
        rows = [
            (each.name, one.on, one.summary, one.role, one.emits, each.needs, f"{each.min_scale}-{each.max_scale}")
            for each in found
            for one in each.operations
        ]
        write_table(head, rows)


def _table() -> tuple[Any, ...]:
    from shared.table.table import TableError, load

    try:
        return load().functions
    except TableError as error:
        raise CommandError(ExitCode.FAILED, str(error)) from error
