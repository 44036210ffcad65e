"""`aegis estimate`: the route and the cost of a file before its upload."""

import sys
from decimal import Decimal
from pathlib import Path

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, convert_to
from shared.terminal.connection import connection_for
from shared.terminal.errors import ExitCode
from shared.terminal.options import class_option, given, server_options
from shared.terminal.output import format_usd, note, safe_line, write, write_json, write_table
from shared.terminal.watch import WaitReason


class _Cost(Struct, frozen=True):
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)

    def __str__(self) -> str:
        return format_usd(self.low) if self.low == self.high else f"{format_usd(self.low)} to {format_usd(self.high)}"


class _Stage(Struct):
    stage: str
    location: str = ""
    cost_usd: _Cost = _Cost()


class _Estimate(Struct):
    would: str
    reason: WaitReason | None = None
    pages: int = 0
    tokens: int = 0
    cost_usd: _Cost = _Cost()
    stages: list[_Stage] = []


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@class_option
@server_options
def estimate(file: Path, classification: str | None, data: Path, as_json: bool) -> None:
    """Estimate the pages, tokens and cost of a file without processing it."""
    connection = connection_for(data)
    with file.open("rb") as content:
        files = {"file": (safe_line(file.name), content)}
        raw = call(connection, "POST", "/estimate", form=given(classification=classification), files=files, seconds=300)
    result = convert_to(connection, raw, _Estimate)
    if as_json:
        write_json(raw)
    else:
        _write(result)
    if result.would == "reject":
        sys.exit(ExitCode.FAILED)


def _write(result: _Estimate) -> None:
    if result.would == "reject":
        note(f"it would be rejected: {result.reason}")
        return
    pages = f"{result.pages} pages, " if result.pages else ""
    write(f"{pages}about {result.tokens} tokens, {result.cost_usd}")
    write_table(
        ("stage", "where", "cost USD"), [(stage.stage, stage.location, str(stage.cost_usd)) for stage in result.stages]
    )
