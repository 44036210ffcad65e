"""Displays the progress of an ingestion: bars on a terminal, lines elsewhere."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from shared.terminal.output import note, safe_line
from shared.terminal.watch import Stage

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

STEPS = ("stored", "parsed", "chunked", "embedded", "extracted", "linked", "ready")
_STAGES = ("upload", "parse", "chunk", "embed", "extract", "link", "finish")


class Progress(Protocol):
    """Receives what happens to each file."""

    def started(self, path: str) -> None: ...

    def reached(self, path: str, stage: Stage) -> None: ...

    def ended(self, path: str, outcome: str, detail: str) -> None: ...

    def remark(self, text: str) -> None: ...


class LineProgress:
    """Writes a line for each file that has ended."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def started(self, path: str) -> None:
        pass

    def reached(self, path: str, stage: Stage) -> None:
        pass

    def ended(self, path: str, outcome: str, detail: str) -> None:
        self._done += 1
        note(f"[{self._done}/{self._total}] {_ending(path, outcome, detail)}")

    def remark(self, text: str) -> None:
        note(f"note: {safe_line(text)}")


class BarProgress:
    """Draws a bar for all files and one for each file in progress."""

    def __init__(self, bars: "RichProgress", total: int) -> None:
        self._bars = bars
        self._total = total
        self._done = 0
        self._since = monotonic()
        self._files: dict[str, TaskID] = {}
        self._whole = bars.add_task("all files", total=total, detail=f"0 of {total}")

    def started(self, path: str) -> None:
        self._files[path] = self._bars.add_task(safe_line(path)[-40:], total=len(STEPS), detail="upload")

    def reached(self, path: str, stage: Stage) -> None:
        done = _step(stage)
        if done is None:
            self._bars.update(self._files[path], detail=safe_line(stage))
        else:
            self._bars.update(self._files[path], detail=safe_line(stage), completed=done)

    def ended(self, path: str, outcome: str, detail: str) -> None:
        if path in self._files:
            self._bars.remove_task(self._files.pop(path))
        self._done += 1
        left = (monotonic() - self._since) / self._done * (self._total - self._done)
        self._bars.update(self._whole, advance=1, detail=f"{self._done} of {self._total}, about {left:.0f} s left")
        if outcome in ("rejected", "failed"):
            self.remark(_ending(path, outcome, detail))

    def remark(self, text: str) -> None:
        self._bars.console.print(safe_line(text), markup=False, highlight=False, emoji=False)


def _ending(path: str, outcome: str, detail: str) -> str:
    return f"{outcome.ljust(8)}  {safe_line(path)}" + (f"  ({safe_line(detail)})" if detail else "")


def _step(stage: Stage) -> int | None:
    """The number of completed steps, by a document's status or by a stage's name."""
    if stage.status in STEPS:
        return STEPS.index(stage.status) + 1
    name = stage.stage.removesuffix("_gpu")  # the pool's stage is the same step
    if name in _STAGES:
        return _STAGES.index(name) + (stage.status == "done")
    return None


@contextmanager
def progress_display(total: int, *, prints_results: bool) -> Iterator[Progress]:
    """`prints_results`: results are printed meanwhile, which leaves no room for bars on the same terminal."""
    plain = not sys.stderr.isatty() or os.environ.get("NO_COLOR") or os.environ.get("CI")
    if plain or (prints_results and sys.stdout.isatty()):
        yield LineProgress(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as RichProgress

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
    )
    console = Console(stderr=True)
    # Results stay on stdout: rich would write them to the console of the bars.
    with RichProgress(*columns, console=console, redirect_stdout=False, transient=True) as bars:
        yield BarProgress(bars, total)
