"""`aegis ingest`: files and folders into documents. Known bytes are answered at once, so the same command goes on
where it was interrupted."""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args

import rich_click as click
from msgspec import Struct

from shared.terminal.client import ServerClient, body, shaped, speak
from shared.terminal.failure import Exit, Failure, Interrupted, Refused, Unsendable
from shared.terminal.options import TextParam, class_option, dollars_option, speaks
from shared.terminal.patience import WaitLimit
from shared.terminal.place import Place, locate
from shared.terminal.progress import Progress, shown
from shared.terminal.render import line, note, say, say_json, say_table
from shared.terminal.watch import Document, Follower, Stage, WaitReason

AT_ONCE = 16
UPLOADS_AT_ONCE = 4
UPLOAD_SECONDS = 300.0

# Answers that are about this one file; any other refusal would meet the next file, too.
_REJECTED = {400, 413, 415, 422}
_FAILED = {409, 500}

Ending = Literal["ok", "known", "sent", "waiting", "rejected", "failed"]
_TROUBLED: tuple[Ending, ...] = ("waiting", "rejected", "failed")


class IngestOutcome(Struct, frozen=True):
    """What became of a file; `document` as the server sent it, as far as it came to that."""

    path: str
    ending: Ending
    document: dict[str, Any]
    reason: WaitReason | None = None

    def as_json(self) -> dict[str, Any]:
        return {"path": line(self.path), "outcome": self.ending, **self.document}


class Wishes(Struct, frozen=True):
    """What is asked of every file."""

    form: dict[str, str]
    wait: bool

    @property
    def bounds_cost(self) -> bool:
        return "max_cost_usd" in self.form


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--title", type=TextParam(), help="The title, for one file.")
@class_option
@dollars_option
@click.option("--no-wait", is_flag=True, help="Upload only.")
@click.option("--recursive/--no-recursive", default=True, show_default=True, help="Walk folders in folders, too.")
@speaks
@click.pass_obj
def ingest(
    typed: Sequence[str],
    paths: tuple[Path, ...],
    title: str | None,
    classification: str | None,
    max_cost_usd: float | None,
    no_wait: bool,
    recursive: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Upload files and folders and wait until they can be asked about.

    Hidden files in folders are passed over. Exits 1 when any file failed or was rejected.
    """
    files = list(found_in(paths, recursive=recursive, leave_out=data))
    if title and len(files) != 1:
        raise click.UsageError("--title is for one file.")
    if not files:
        note("no files found")
        return
    wishes = Wishes(_form(title, classification, max_cost_usd), wait=not no_wait)
    outcomes = _ingest(locate(data), files, wishes, as_json, typed)
    if not as_json:
        _say_summary(outcomes)
    endings = {outcome.ending for outcome in outcomes}
    if endings & {"rejected", "failed"}:
        sys.exit(Exit.FAILED)
    if "waiting" in endings:
        sys.exit(Exit.LIMIT)


def found_in(paths: Sequence[Path], *, recursive: bool, leave_out: Path) -> Iterator[Path]:
    """Files in order, each once; no hidden ones and nothing of the data folder, unless named themselves."""
    seen: set[Path] = set()
    ours = leave_out.resolve()
    for path in paths:
        for file in _walked(path, recursive, ours) if path.is_dir() else [path]:
            if (real := file.resolve()) not in seen:
                seen.add(real)
                yield file


def _walked(folder: Path, recursive: bool, ours: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        here = Path(where)
        folders[:] = sorted(f for f in folders if recursive and not f.startswith(".") and (here / f).resolve() != ours)
        yield from (here / name for name in sorted(files) if not name.startswith(".") and (here / name).is_file())


def _form(title: str | None, classification: str | None, max_cost_usd: float | None) -> dict[str, str]:
    form = {"title": title, "classification": classification}
    if max_cost_usd is not None:
        form["max_cost_usd"] = f"{max_cost_usd:.6f}"
    return {name: value for name, value in form.items() if value}


def _ingest(
    place: Place, files: Sequence[Path], wishes: Wishes, as_json: bool, typed: Sequence[str]
) -> list[IngestOutcome]:
    """Runs to the end or raises with the command that goes on."""
    again = f"go on with: {shlex.join(['aegis', *typed])}"
    with shown(len(files), results_too=as_json) as progress:
        run = _Run(files, wishes, progress, as_json)
        try:
            speak(place, run.all, connections=2 * AT_ONCE)
        except Interrupted:
            raise Interrupted(f"interrupted after {len(run.outcomes)} of {len(files)} files", line(again)) from None
        except Failure as failure:
            raise Failure(failure.exit, *failure.lines, line(again)) from failure
    return run.outcomes


class _Run:
    """All files of one command, a few at once."""

    def __init__(self, files: Sequence[Path], wishes: Wishes, progress: Progress, as_json: bool) -> None:
        from asyncio import Semaphore

        self.outcomes: list[IngestOutcome] = []
        self._files = iter(files)
        self._wishes = wishes
        self._progress = progress
        self._as_json = as_json
        self._calmly = WaitLimit(progress.remark)
        self._uploads = Semaphore(UPLOADS_AT_ONCE)

    async def all(self, server: ServerClient) -> None:
        from asyncio import TaskGroup

        # A server that is not there is told of now, and not after the patience for one that went away.
        with suppress(Refused):
            await server.send("GET", "/health")
        try:
            async with TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._work(server))
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _work(self, server: ServerClient) -> None:
        for file in self._files:
            self._progress.started(str(file))
            self._end(await self._one(server, file))

    def _end(self, outcome: IngestOutcome) -> None:
        self.outcomes.append(outcome)
        if self._as_json:
            say_json(outcome.as_json())
        self._progress.ended(outcome.path, outcome.ending, str(outcome.reason or ""))

    async def _one(self, server: ServerClient, file: Path) -> IngestOutcome:
        try:
            async with self._uploads:
                known, raw = await self._calmly.of(lambda: self._upload(server, file))
            if known:
                return _outcome(server, file, raw, when_ready="known")
            return await self._follow(server, file, raw) if self._wishes.wait else IngestOutcome(str(file), "sent", raw)
        except OSError as error:
            return _without_document(file, "failed", WaitReason("unreadable", error.strerror or str(error)))
        except Unsendable:
            return _without_document(file, "failed", WaitReason("changed", "the file changed while it was read"))
        except Refused as refusal:
            return self._refused(file, refusal)

    async def _upload(self, server: ServerClient, file: Path) -> tuple[bool, dict[str, Any]]:
        """Whether the bytes were known and at their end, and the answer."""
        from asyncio import to_thread

        with await to_thread(file.open, "rb") as content:
            response = await server.send(
                "POST",
                "/upload",
                form=self._wishes.form,
                files={"file": (line(file.name), content)},
                seconds=UPLOAD_SECONDS,
            )
        raw = body(server.place, response)
        shaped(server.place, raw, Document)
        return response.status_code == 200, raw

    async def _follow(self, server: ServerClient, file: Path, raw: dict[str, Any]) -> IngestOutcome:
        def seen(stage: Stage) -> None:
            self._progress.reached(str(file), stage)

        try:
            end = await Follower(server, raw["document_id"], self._calmly, seen).to_its_end()
        except Refused as refusal:
            if refusal.status != 404:
                raise
            return _without_document(file, "failed", WaitReason("deleted", "the document was deleted meanwhile"))
        return _outcome(server, file, end, when_ready="ok")

    def _refused(self, file: Path, refusal: Refused) -> IngestOutcome:
        reason = WaitReason(refusal.slug, refusal.detail)
        if refusal.status in _REJECTED:
            return _without_document(file, "rejected", reason)
        # A bound on each file's cost says nothing of the next file; a budget that is used up does.
        if refusal.status in _FAILED or (refusal.status == 402 and self._wishes.bounds_cost):
            return _without_document(file, "failed", reason)
        raise refusal


def _outcome(server: ServerClient, file: Path, raw: dict[str, Any], when_ready: Ending) -> IngestOutcome:
    document = shaped(server.place, raw, Document)
    endings: dict[str, Ending] = {"ready": when_ready, "rejected": "rejected", "waiting": "waiting"}
    return IngestOutcome(str(file), endings.get(document.status, "failed"), raw, document.reason)


def _without_document(file: Path, ending: Ending, reason: WaitReason) -> IngestOutcome:
    told = {"code": reason.code, "detail": reason.detail}
    return IngestOutcome(str(file), ending, {"document_id": None, "status": ending, "reason": told}, reason)


def _say_summary(outcomes: Sequence[IngestOutcome]) -> None:
    counts = Counter(outcome.ending for outcome in outcomes)
    say_table(("outcome", "files"), [(e, counts[e]) for e in get_args(Ending) if counts[e]])
    troubled = sorted((o for o in outcomes if o.ending in _TROUBLED), key=lambda o: o.path)
    if troubled:
        say()
        say_table(("outcome", "file", "reason"), [(o.ending, o.path, o.reason) for o in troubled])
