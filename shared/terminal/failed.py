"""`aegis failed`: events that could not be delivered, and their replay."""

from pathlib import Path
from typing import Any

import rich_click as click

from shared.terminal.client import call, list_items
from shared.terminal.connection import connection_for
from shared.terminal.options import IdParam, limit_option, operator_option, server_options
from shared.terminal.output import note, write, write_fields, write_json, write_table

_COLUMNS = ("type", "document_id", "attempts", "reason", "created_at")


@click.group()
def failed() -> None:
    """List, show, replay and delete dead letters."""


@failed.command("list")
@limit_option(50, None, "Maximum number of dead letters.")
@operator_option
@server_options
def list_failed(limit: int, operator: bool, data: Path, as_json: bool) -> None:
    """List dead letters, newest first."""
    found = list_items(connection_for(data, operator=operator), "/failed", limit)
    if as_json:
        write_json(found)
    elif found["items"]:
        columns = ("dead_letter_id", *_COLUMNS)
        rows = [[_field(item, column) for column in columns] for item in found["items"]]
        write_table(("dead letter", *_COLUMNS), rows)
    else:
        note("no dead letters")


@failed.command()
@click.argument("letter_id", type=IdParam())
@operator_option
@server_options
def show(letter_id: str, operator: bool, data: Path, as_json: bool) -> None:
    """Show one dead letter."""
    letter = call(connection_for(data, operator=operator), "GET", f"/failed/{letter_id}")
    if as_json or not isinstance(letter, dict):
        write_json(letter)
    else:
        write_fields([(str(name), _field(letter, name)) for name in letter] or [("dead letter", letter_id)])


@failed.command()
@click.argument("letter_id", type=IdParam())
@operator_option
@server_options
def replay(letter_id: str, operator: bool, data: Path, as_json: bool) -> None:
    """Deliver a dead letter again."""
    answer = call(connection_for(data, operator=operator), "POST", f"/failed/{letter_id}/replay")
    if as_json:
        write_json(answer or {"dead_letter_id": letter_id, "status": "replayed"})
    else:
        write(f"{letter_id} replayed")


@failed.command()
@click.argument("letter_id", type=IdParam())
@operator_option
@server_options
def delete(letter_id: str, operator: bool, data: Path, as_json: bool) -> None:
    """Delete a dead letter."""
    call(connection_for(data, operator=operator), "DELETE", f"/failed/{letter_id}")
    if as_json:
        write_json({"dead_letter_id": letter_id, "status": "deleted"})
    else:
        write(f"{letter_id} deleted")


def _field(letter: Any, name: str) -> object:
    """A field of a letter on one line; nested fields as `name: value`."""
    value = letter.get(name) if isinstance(letter, dict) else None
    if isinstance(value, dict):
        return ", ".join(f"{name}: {part}" for name, part in value.items() if part not in (None, ""))
    return value
