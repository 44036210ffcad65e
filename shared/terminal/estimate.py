"""`aegis estimate`: what a file would become and cost, before it is sent for good."""

import sys
from decimal import Decimal
from pathlib import Path

import rich_click as click
from msgspec import Struct

from shared.terminal.client import call, shaped
from shared.terminal.failure import Exit
from shared.terminal.options import class_option, present, speaks
from shared.terminal.place import locate
from shared.terminal.render import dollars, line, note, say, say_json, say_table
from shared.terminal.watch import WaitReason


class _Cost(Struct, frozen=True):
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)

    def __str__(self) -> str:
        return dollars(self.low) if self.low == self.high else f"{dollars(self.low)} to {dollars(self.high)}"


class _Stage(Struct):
    stage: str
    location: str = ""
    cost_usd: _Cost = _Cost()


class _Estimated(Struct):
    would: str
    reason: WaitReason | None = None
    pages: int = 0
    tokens: int = 0
    cost_usd: _Cost = _Cost()
    stages: list[_Stage] = []


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@class_option
@speaks
def estimate(file: Path, classification: str | None, data: Path, as_json: bool) -> None:
    """Tell what a file would become and cost, and run nothing."""
    place = locate(data)
    with file.open("rb") as content:
        files = {"file": (line(file.name), content)}
        raw = call(place, "POST", "/estimate", form=present(classification=classification), files=files, seconds=300)
    told = shaped(place, raw, _Estimated)
    if as_json:
        say_json(raw)
    else:
        _say(told)
    if told.would == "reject":
        sys.exit(Exit.FAILED)


def _say(told: _Estimated) -> None:
    if told.would == "reject":
        note(f"it would be rejected: {told.reason}")
        return
    pages = f"{told.pages} pages, " if told.pages else ""
    say(f"{pages}about {told.tokens} tokens, {told.cost_usd}")
    say_table(
        ("stage", "where", "cost USD"), [(stage.stage, stage.location, str(stage.cost_usd)) for stage in told.stages]
    )
