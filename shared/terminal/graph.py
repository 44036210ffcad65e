"""`aegis graph`: the graph of entities as JSON lines."""

import io
import sys
from pathlib import Path
from typing import BinaryIO

import rich_click as click

from shared.terminal.client import ServerClient, call, with_server
from shared.terminal.connection import connection_for
from shared.terminal.options import server_options
from shared.terminal.output import write_fields, write_json

_LINES = "application/x-ndjson"
_SECONDS = 600.0


@click.group()
def graph() -> None:
    """Export the graph of entities, and merge exported ones into it."""


@graph.command()
@server_options
def export(data: Path, as_json: bool) -> None:
    """Write the graph as JSON lines to stdout."""
    connection = connection_for(data)
    out: BinaryIO = io.BytesIO() if as_json else sys.stdout.buffer

    async def copy(server: ServerClient) -> None:
        async with server.download("/graph/export", {}) as pieces:
            async for piece in pieces:
                out.write(piece)

    with_server(connection, copy)
    if isinstance(out, io.BytesIO):
        write_json({"content": out.getvalue().decode()})


@graph.command(name="import")
@click.argument("file", type=click.File("rb"))
@server_options
def import_file(file: BinaryIO, data: Path, as_json: bool) -> None:
    """Merge an exported graph into the tenant's. FILE is `-` for stdin."""
    connection = connection_for(data)
    lines = {"content": file.read(), "headers": {"Content-Type": _LINES}}
    merged = call(connection, "POST", "/graph/import", **lines, seconds=_SECONDS)
    if as_json:
        write_json(merged)
    else:
        write_fields(list(merged.items()))
