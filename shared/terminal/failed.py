"""`aegis failed`: what could not be delivered, and playing it again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click

from shared.terminal.client import call, listed
from shared.terminal.options import Identifier, limit_option, speaks
from shared.terminal.place import Place, locate
from shared.terminal.render import note, say, say_fields, say_json, say_table

_COLUMNS = ("type", "document_id", "attempts", "reason", "created_at")


def _with_operator(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--operator", is_flag=True, help="With the operator's key, over all tenants.")(speaks(command))


@click.group()
def failed() -> None:
    """List, show, replay and delete dead letters."""


@failed.command("list")
@limit_option(50, None, "How many.")
@_with_operator
def list_failed(limit: int, operator: bool, data: Path, as_json: bool) -> None:
    """List dead letters, newest first."""
    found = listed(_place(data, operator), "/failed", limit)
    if as_json:
        say_json(found)
    elif found["items"]:
        say_table(("dead letter", *_COLUMNS), [_row(item) for item in found["items"]])
    else:
        note("nothing failed")


@failed.command()
@click.argument("letter_id", type=Identifier())
@_with_operator
def show(letter_id: str, operator: bool, data: Path, as_json: bool) -> None:
    """Show one dead letter."""
    letter = call(_place(data, operator), "GET", f"/failed/{letter_id}")
    if as_json or not isinstance(letter, dict):
        say_json(letter)
    else:
        say_fields([(str(name), _shown(letter, name)) for name in letter] or [("dead letter", letter_id)])


@failed.command()
@click.argument("letter_id", type=Identifier())
@_with_operator
def replay(letter_id: str, operator: bool, data: Path, as_json: bool) -> None:
    """Deliver a dead letter again."""
    answer = call(_place(data, operator), "POST", f"/failed/{letter_id}/replay")
    if as_json:
        say_json(answer or {"dead_letter_id": letter_id, "status": "replayed"})
    else:
        say(f"{letter_id} replayed")


@failed.command()
@click.argument("letter_id", type=Identifier())
@_with_operator
def delete(letter_id: str, operator: bool, data: Path, as_json: bool) -> None:
    """Delete a dead letter."""
    call(_place(data, operator), "DELETE", f"/failed/{letter_id}")
    if as_json:
        say_json({"dead_letter_id": letter_id, "status": "deleted"})
    else:
        say(f"{letter_id} deleted")


def _place(data: Path, operator: bool) -> Place:
    return locate(data, "operator" if operator else "admin")


def _row(letter: Any) -> list[object]:
    values = letter.values() if isinstance(letter, dict) else ()
    name = next((value for value in values if str(value).startswith("dlq_")), None)
    return [name, *(_shown(letter, column) for column in _COLUMNS)]


def _shown(letter: Any, column: str) -> object:
    """A letter's field on one line; what is nested as `name: value`."""
    value = letter.get(column) if isinstance(letter, dict) else None
    if isinstance(value, dict):
        return ", ".join(f"{name}: {part}" for name, part in value.items() if part not in (None, ""))
    return value
