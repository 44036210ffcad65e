"""`aegis rebuild`: makes the indexes anew from what is kept."""

from pathlib import Path

import rich_click as click

from shared.terminal.failure import Exit, Failure, Unreachable
from shared.terminal.options import data_option, json_option
from shared.terminal.place import running
from shared.terminal.render import line, note, say_fields, say_json


@click.command()
@data_option("Folder whose indexes are made anew.")
@click.option("--only", type=click.Choice(["catalogue", "counters", "vectors", "graph"]), help="Only this index.")
@json_option
def rebuild(data: Path, only: str | None, as_json: bool) -> None:
    """Make indexes anew from the kept documents, with no model call and no charge."""
    if served := running(data):
        raise Failure(
            Exit.UNAVAILABLE,
            f"a server (process {served.pid}) runs on {data}",
            "what to do: stop it, rebuild, and start it again",
        )
    from shared.runtime.rebuild import rebuild as run
    from shared.runtime.wiring.data_folder import FolderTaken
    from shared.types.errors import AegisError, StoreUnavailable

    note(f"rebuilding {only or 'all indexes'} of {data}")
    try:
        counts = run(data, only)
    except (StoreUnavailable, FolderTaken) as error:
        raise Unreachable(line(error), "what to do: bring it back, or stop who holds it, and run this again") from error
    except (AegisError, ValueError) as error:
        raise Failure(Exit.USAGE, line(error)) from error
    if as_json:
        say_json(counts)
    else:
        say_fields(list(counts.items()) or [("rebuilt", 0)])
