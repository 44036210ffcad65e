"""`aegis documents`: the ingested documents."""

import sys
from pathlib import Path
from typing import Any

import rich_click as click

from shared.terminal.client import call, convert_to, items_of, list_items, with_server
from shared.terminal.connection import Connection, connection_for
from shared.terminal.errors import ExitCode
from shared.terminal.options import IdParam, TextParam, given, limit_option, max_cost_option, server_options
from shared.terminal.output import note, safe_text, write, write_fields, write_items, write_json, write_table
from shared.terminal.retry import RequestRetrier
from shared.terminal.watch import Document, DocumentWatcher, Stage

_COLUMNS = ("document_id", "status", "title", "pages", "passages", "classification", "created_at")


@click.group()
def documents() -> None:
    """List, show, watch, print, retry and delete documents."""


@documents.command("list")
@limit_option(50, None, "Maximum number of documents.")
@click.option("--cursor", type=TextParam(), help="The next_cursor of an earlier list of --json.")
@server_options
def list_documents(limit: int, cursor: str | None, data: Path, as_json: bool) -> None:
    """List the documents, newest first."""
    connection = connection_for(data)
    found = list_items(connection, "/documents", limit, cursor)
    items = items_of(connection, found, Document)
    if as_json:
        write_json(found)
    else:
        write_items(items, {name: name for name in _COLUMNS}, empty="no documents")
    if found["next_cursor"] and not as_json:
        note("there are more: --limit shows them")


@documents.command()
@click.argument("document_id", type=IdParam())
@server_options
def show(document_id: str, data: Path, as_json: bool) -> None:
    """Show a document with its stages."""
    connection = connection_for(data)
    _write(connection, call(connection, "GET", f"/documents/{document_id}"), as_json)


@documents.command()
@click.argument("document_id", type=IdParam())
@server_options
def watch(document_id: str, data: Path, as_json: bool) -> None:
    """Follow a document to its final status; exit with 1 where that is not `ready`."""
    connection = connection_for(data)
    _follow(connection, document_id, as_json)


@documents.command()
@click.argument("document_id", type=IdParam())
@server_options
def content(document_id: str, data: Path, as_json: bool) -> None:
    """Print a document as Markdown."""
    connection = connection_for(data)
    path = f"/documents/{document_id}/content"
    response = with_server(connection, lambda server: server.send("GET", path))
    text = response.content.decode("utf-8", "replace")
    if as_json:
        write_json({"document_id": document_id, "content": text})
    elif sys.stdout.isatty():
        write(safe_text(text))
    else:
        # A file or another program receives it unchanged.
        click.echo(text.encode(), nl=False)


@documents.command()
@click.argument("document_id", type=IdParam())
@click.option("--from", "stage", type=TextParam(), help="Start at this stage; the results of earlier ones stay.")
@max_cost_option
@click.option("--no-wait", is_flag=True, help="Do not wait for the final status.")
@server_options
def retry(
    document_id: str, stage: str | None, max_cost_usd: float | None, no_wait: bool, data: Path, as_json: bool
) -> None:
    """Process a document again."""
    connection = connection_for(data)
    request = given(**{"from": stage}) | ({} if max_cost_usd is None else {"max_cost_usd": max_cost_usd})
    answer = call(connection, "POST", f"/documents/{document_id}/retry", json=request)
    if not no_wait:
        _follow(connection, document_id, as_json)
    elif as_json:
        write_json(answer)
    else:
        write(f"{document_id} will be processed again")


@documents.command()
@click.argument("document_id", type=IdParam())
@server_options
def delete(document_id: str, data: Path, as_json: bool) -> None:
    """Delete a document and all data derived from it."""
    answer = call(connection_for(data), "DELETE", f"/documents/{document_id}")
    if as_json:
        write_json({"document_id": document_id, "status": "deleted"} | (answer or {}))
    else:
        write(f"{document_id} {'is being deleted' if answer else 'deleted'}")


def _follow(connection: Connection, document_id: str, as_json: bool) -> None:
    notes = _StageNotes()
    raw = with_server(
        connection, lambda server: DocumentWatcher(server, document_id, RequestRetrier(note), notes.add).wait()
    )
    _write(connection, raw, as_json)
    if raw["status"] != "ready":
        sys.exit(ExitCode.LIMIT if raw["status"] == "waiting" else ExitCode.FAILED)


class _StageNotes:
    """Notes each change of a stage once."""

    def __init__(self) -> None:
        self._last = ""

    def add(self, stage: Stage) -> None:
        text = safe_text(str(stage))
        if text and text != self._last:
            note(text)
        self._last = text


def _write(connection: Connection, raw: Any, as_json: bool) -> None:
    document = convert_to(connection, raw, Document)
    if as_json:
        write_json(raw)
        return
    fields = [(name, getattr(document, name)) for name in Document.__struct_fields__ if name != "stages"]
    write_fields([(name.replace("_", " "), value) for name, value in fields])
    if document.losses:
        note(f"note: {document.losses}")
    if document.stages:
        write()
        write_table(
            ("stage", "status", "attempts", "seconds", "cost USD", "reason"),
            [(s.stage, s.status, s.attempts, s.seconds, s.cost_usd, s.reason) for s in document.stages],
        )
