"""`aegis serve` and `aegis function`: the suite in one process, and one function as its container runs it."""

import sys
from pathlib import Path

import rich_click as click

from shared.terminal.options import data_option


@click.command()
@data_option("Data folder; created at the first start.")
@click.option("--host", envvar="HOST", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", envvar="PORT", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen on."
)
def serve(data: Path, host: str, port: int) -> None:
    """Run the whole suite in this process."""
    from shared.runtime.serve import serve as run

    sys.exit(run(data, host, port))


@click.command()
@click.argument("name")
def function(name: str) -> None:
    """Run one function as its container does."""
    from shared.runtime.function import run

    sys.exit(run(name))
