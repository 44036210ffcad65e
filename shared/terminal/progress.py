"""How an ingestion shows where it is: bars on a terminal, lines elsewhere."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from shared.terminal.render import line, note
from shared.terminal.watch import Stage

if TYPE_CHECKING:
    from rich.progress import Progress as Drawing
    from rich.progress import TaskID

STEPS = ("stored", "parsed", "chunked", "embedded", "extracted", "linked", "ready")
_STAGES = ("upload", "parse", "chunk", "embed", "extract", "link", "finish")


class Progress(Protocol):
    """Told of every file what happens to it."""

    def started(self, path: str) -> None: ...

    def reached(self, path: str, stage: Stage) -> None: ...

    def ended(self, path: str, outcome: str, told: str) -> None: ...

    def remark(self, text: str) -> None: ...


class Lines:
    """A line for each file that has ended."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0

    def started(self, path: str) -> None:
        pass

    def reached(self, path: str, stage: Stage) -> None:
        pass

    def ended(self, path: str, outcome: str, told: str) -> None:
        self._done += 1
        note(f"[{self._done}/{self._total}] {_ending(path, outcome, told)}")

    def remark(self, text: str) -> None:
        note(f"note: {line(text)}")


class Bars:
    """A bar for the whole and one for each file under way."""

    def __init__(self, drawing: "Drawing", total: int) -> None:
        self._drawing = drawing
        self._total = total
        self._done = 0
        self._since = monotonic()
        self._files: dict[str, TaskID] = {}
        self._whole = drawing.add_task("all files", total=total, detail=f"0 of {total}")

    def started(self, path: str) -> None:
        self._files[path] = self._drawing.add_task(line(path)[-40:], total=len(STEPS), detail="upload")

    def reached(self, path: str, stage: Stage) -> None:
        done = _step(stage)
        if done is None:
            self._drawing.update(self._files[path], detail=line(stage))
        else:
            self._drawing.update(self._files[path], detail=line(stage), completed=done)

    def ended(self, path: str, outcome: str, told: str) -> None:
        if path in self._files:
            self._drawing.remove_task(self._files.pop(path))
        self._done += 1
        left = (monotonic() - self._since) / self._done * (self._total - self._done)
        self._drawing.update(self._whole, advance=1, detail=f"{self._done} of {self._total}, about {left:.0f} s left")
        if outcome in ("rejected", "failed"):
            self.remark(_ending(path, outcome, told))

    def remark(self, text: str) -> None:
        self._drawing.console.print(line(text), markup=False, highlight=False, emoji=False)


def _ending(path: str, outcome: str, told: str) -> str:
    return f"{outcome.ljust(8)}  {line(path)}" + (f"  ({line(told)})" if told else "")


def _step(stage: Stage) -> int | None:
    """How many steps lie behind, by a document's status or by a stage's name."""
    if stage.status in STEPS:
        return STEPS.index(stage.status) + 1
    name = stage.stage.removesuffix("_gpu")  # the pool's stage is the same step
    if name in _STAGES:
        return _STAGES.index(name) + (stage.status == "done")
    return None


@contextmanager
def shown(total: int, *, results_too: bool) -> Iterator[Progress]:
    """`results_too`: results are printed meanwhile, which on the same terminal leaves no place for bars."""
    plain = not sys.stderr.isatty() or os.environ.get("NO_COLOR") or os.environ.get("CI")
    if plain or (results_too and sys.stdout.isatty()):
        yield Lines(total)
        return
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Drawing

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
    )
    console = Console(stderr=True)
    # Results stay on stdout: rich would take them along to the console of the bars.
    with Drawing(*columns, console=console, redirect_stdout=False, transient=True) as drawing:
        yield Bars(drawing, total)
