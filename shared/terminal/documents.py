"""`aegis documents`: what has been ingested."""

import sys
from pathlib import Path
from typing import Any

import rich_click as click
from msgspec import Struct

from shared.terminal.client import ServerClient, call, listed, shaped, speak
from shared.terminal.failure import Exit
from shared.terminal.options import Identifier, TextParam, dollars_option, limit_option, present, speaks
from shared.terminal.patience import WaitLimit
from shared.terminal.place import Place, locate
from shared.terminal.render import lines, note, say, say_fields, say_json, say_table
from shared.terminal.watch import Document, Follower, Stage

_COLUMNS = ("document_id", "status", "title", "pages", "passages", "classification", "created_at")


class _Documents(Struct):
    items: list[Document]


@click.group()
def documents() -> None:
    """List, show, watch, read, retry and delete documents."""


@documents.command("list")
@limit_option(50, None, "How many.")
@click.option("--cursor", type=TextParam(), help="Go on where a list of --json ended.")
@speaks
def list_documents(limit: int, cursor: str | None, data: Path, as_json: bool) -> None:
    """List the documents, newest first."""
    place = locate(data)
    found = listed(place, "/documents", limit, cursor)
    shown = shaped(place, found, _Documents).items
    if as_json:
        say_json(found)
    elif shown:
        say_table(_COLUMNS, [[getattr(document, column) for column in _COLUMNS] for document in shown])
    else:
        note("no documents")
    if found["next_cursor"] and not as_json:
        note("there are more: --limit shows them")


@documents.command()
@click.argument("document_id", type=Identifier())
@speaks
def show(document_id: str, data: Path, as_json: bool) -> None:
    """Show a document with its stages."""
    place = locate(data)
    _say(place, call(place, "GET", f"/documents/{document_id}"), as_json)


@documents.command()
@click.argument("document_id", type=Identifier())
@speaks
def watch(document_id: str, data: Path, as_json: bool) -> None:
    """Follow a document to its end; exits 1 when that is not `ready`."""
    place = locate(data)
    _follow(place, document_id, as_json)


@documents.command()
@click.argument("document_id", type=Identifier())
@speaks
def content(document_id: str, data: Path, as_json: bool) -> None:
    """Print a document as Markdown."""
    place = locate(data)
    text = speak(place, lambda server: _text(server, document_id))
    if as_json:
        say_json({"document_id": document_id, "content": text})
    elif sys.stdout.isatty():
        say(lines(text))
    else:
        # Into a file or another program it goes as it is.
        click.echo(text.encode(), nl=False)


@documents.command()
@click.argument("document_id", type=Identifier())
@click.option("--from", "stage", type=TextParam(), help="Begin at this stage; what came before stands.")
@dollars_option
@click.option("--no-wait", is_flag=True, help="Do not wait for its end.")
@speaks
def retry(
    document_id: str, stage: str | None, max_cost_usd: float | None, no_wait: bool, data: Path, as_json: bool
) -> None:
    """Process a document again."""
    place = locate(data)
    request = present(**{"from": stage}) | ({} if max_cost_usd is None else {"max_cost_usd": max_cost_usd})
    answer = call(place, "POST", f"/documents/{document_id}/retry", json=request)
    if not no_wait:
        _follow(place, document_id, as_json)
    elif as_json:
        say_json(answer)
    else:
        say(f"{document_id} is processed again")


@documents.command()
@click.argument("document_id", type=Identifier())
@speaks
def delete(document_id: str, data: Path, as_json: bool) -> None:
    """Delete a document with everything made from it."""
    answer = call(locate(data), "DELETE", f"/documents/{document_id}")
    if as_json:
        say_json({"document_id": document_id, "status": "deleted"} | (answer or {}))
    else:
        say(f"{document_id} {'is being deleted' if answer else 'deleted'}")


def _follow(place: Place, document_id: str, as_json: bool) -> None:
    told = _Told()
    raw = speak(place, lambda server: Follower(server, document_id, WaitLimit(note), told.stage).to_its_end())
    _say(place, raw, as_json)
    if raw["status"] != "ready":
        sys.exit(Exit.LIMIT if raw["status"] == "waiting" else Exit.FAILED)


class _Told:
    """Notes each change once."""

    def __init__(self) -> None:
        self._last = ""

    def stage(self, stage: Stage) -> None:
        text = lines(str(stage))
        if text and text != self._last:
            note(text)
        self._last = text


def _say(place: Place, raw: Any, as_json: bool) -> None:
    document = shaped(place, raw, Document)
    if as_json:
        say_json(raw)
        return
    fields = [(name, getattr(document, name)) for name in Document.__struct_fields__ if name != "stages"]
    say_fields([(name.replace("_", " "), value) for name, value in fields])
    if document.stages:
        say()
        say_table(
            ("stage", "status", "attempts", "seconds", "cost USD", "reason"),
            [(s.stage, s.status, s.attempts, s.seconds, s.cost_usd, s.reason) for s in document.stages],
        )


async def _text(server: ServerClient, document_id: str) -> str:
    response = await server.send("GET", f"/documents/{document_id}/content")
    return response.content.decode("utf-8", "replace")
