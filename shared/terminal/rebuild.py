"""`aegis rebuild`: builds the indexes again from the stored documents."""

from pathlib import Path

import rich_click as click

from shared.terminal.connection import running_server
from shared.terminal.errors import CommandError, ExitCode, store_errors
from shared.terminal.options import data_option, json_option
from shared.terminal.output import note, write_fields, write_json


@click.command()
@data_option("Folder whose indexes are rebuilt.")
@click.option("--only", type=click.Choice(["catalogue", "counters", "vectors", "graph"]), help="Only this index.")
@json_option
def rebuild(data: Path, only: str | None, as_json: bool) -> None:
    """Rebuild the indexes from the stored documents, without model calls or charges."""
    if server := running_server(data):
        raise CommandError(
            ExitCode.UNAVAILABLE,
            f"a server (process {server.pid}) runs on {data}",
            "what to do: stop it, rebuild, and start it again",
        )
    note(f"rebuilding {only or 'all indexes'} of {data}")
    with store_errors("restore it, or stop the process that uses it, and run this again"):
        from shared.runtime.rebuild import rebuild as run

        counts = run(data, only)
    if as_json:
        write_json(counts)
    else:
        write_fields(list(counts.items()) or [("rebuilt", 0)])
