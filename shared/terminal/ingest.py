"""`aegis ingest`: uploads files and folders as documents.

The server answers known bytes at once, so the same command continues an interrupted run.
"""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args

import rich_click as click
from msgspec import Struct

from shared.terminal.client import ServerClient, convert_to, json_body, run_at_once, with_server
from shared.terminal.connection import Connection, connection_for
from shared.terminal.errors import CommandError, ExitCode, Interrupted, RequestNotSent, RequestRefused
from shared.terminal.options import TextParam, class_option, given, max_cost_option, server_options
from shared.terminal.output import note, safe_line, write, write_json, write_table
from shared.terminal.progress import Progress, progress_display
from shared.terminal.retry import RequestRetrier
from shared.terminal.watch import Document, DocumentWatcher, Stage, WaitReason

AT_ONCE = 16
UPLOADS_AT_ONCE = 4
UPLOAD_SECONDS = 300.0

# Responses about this one file; any other refusal would affect the next file, too.
_REJECTED = {400, 413, 415, 422}
_FAILED = {409, 500}

Outcome = Literal["ok", "known", "sent", "waiting", "rejected", "failed"]
_UNFINISHED: tuple[Outcome, ...] = ("waiting", "rejected", "failed")


class IngestOutcome(Struct, frozen=True):
    """The outcome of a file; `document` as the server sent it, where there is one, `losses` what its content lacks."""

    path: str
    outcome: Outcome
    document: dict[str, Any]
    reason: WaitReason | None = None
    losses: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"path": safe_line(self.path), "outcome": self.outcome, **self.document}


class IngestOptions(Struct, frozen=True):
    """The options that apply to every file."""

    form: dict[str, str]
    wait: bool
    titles: Mapping[Path, str] = {}
    """Titles of single files."""

    @property
    def bounds_cost(self) -> bool:
        return "max_cost_usd" in self.form


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--title", type=TextParam(), help="Title, for a single file.")
@class_option
@max_cost_option
@click.option("--no-wait", is_flag=True, help="Upload without waiting.")
@click.option("--recursive/--no-recursive", default=True, show_default=True, help="Include subfolders.")
@server_options
@click.pass_obj
def ingest(
    arguments: Sequence[str],
    paths: tuple[Path, ...],
    title: str | None,
    classification: str | None,
    max_cost_usd: float | None,
    no_wait: bool,
    recursive: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Upload files and folders and wait until they are ready.

    Hidden files in folders are skipped. Exits with 1 when any file failed or was rejected.
    """
    files = list(found_in(paths, recursive=recursive, exclude=data))
    if title and len(files) != 1:
        raise click.UsageError("--title is for one file.")
    if not files:
        note("no files found")
        return
    form = given(title=title, classification=classification)
    if max_cost_usd is not None:
        form["max_cost_usd"] = str(max_cost_usd)
    options = IngestOptions(form, wait=not no_wait)
    outcomes = ingest_files(connection_for(data), files, options, as_json, arguments)
    if not as_json:
        _write_summary(outcomes)
    endings = {outcome.outcome for outcome in outcomes}
    if endings & {"rejected", "failed"}:
        sys.exit(ExitCode.FAILED)
    if "waiting" in endings:
        sys.exit(ExitCode.LIMIT)


def found_in(paths: Sequence[Path], *, recursive: bool, exclude: Path) -> Iterator[Path]:
    """The files in order, each once, without hidden ones and the data folder's, unless named themselves."""
    seen: set[Path] = set()
    excluded = exclude.resolve()
    for path in paths:
        for file in _walk(path, recursive, excluded) if path.is_dir() else [path]:
            if (real := file.resolve()) not in seen:
                seen.add(real)
                yield file


def _walk(folder: Path, recursive: bool, excluded: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        here = Path(where)
        folders[:] = sorted(
            f for f in folders if recursive and not f.startswith(".") and (here / f).resolve() != excluded
        )
        yield from (here / name for name in sorted(files) if not name.startswith(".") and (here / name).is_file())


def ingest_files(
    connection: Connection, files: Sequence[Path], options: IngestOptions, as_json: bool, arguments: Sequence[str]
) -> list[IngestOutcome]:
    """Uploads files, a few at a time, and waits for them where the options say so. With `as_json` each outcome is
    written as a line of JSON. Raises errors with the command line that continues the run."""
    resume = f"continue with: {shlex.join(['aegis', *arguments])}"
    with progress_display(len(files), prints_results=as_json) as progress:
        run = _Ingestion(files, options, progress, as_json)
        try:
            with_server(connection, run.all, connections=2 * AT_ONCE)
        except Interrupted:
            raise Interrupted(
                f"interrupted after {len(run.outcomes)} of {len(files)} files", safe_line(resume)
            ) from None
        except CommandError as failure:
            raise CommandError(failure.exit, *failure.lines, safe_line(resume)) from failure
    return run.outcomes


class _Ingestion:
    """The ingestion of all files of one command, a few at a time."""

    def __init__(self, files: Sequence[Path], options: IngestOptions, progress: Progress, as_json: bool) -> None:
        from asyncio import Semaphore

        self.outcomes: list[IngestOutcome] = []
        self._files = iter(files)
        self._options = options
        self._progress = progress
        self._as_json = as_json
        self._retrier = RequestRetrier(progress.remark)
        self._uploads = Semaphore(UPLOADS_AT_ONCE)

    async def all(self, server: ServerClient) -> None:
        # A missing server is reported now, without the retries for one that went away.
        with suppress(RequestRefused):
            await server.send("GET", "/health")
        await run_at_once(AT_ONCE, lambda: self._work(server))

    async def _work(self, server: ServerClient) -> None:
        for file in self._files:
            self._progress.started(str(file))
            result = await self._ingest(server, file)
            self.outcomes.append(result)
            if self._as_json:
                write_json(result.as_json())
            self._progress.ended(result.path, result.outcome, str(result.reason or ""))
            if result.losses:
                self._progress.remark(f"{result.path}: {result.losses}")

    async def _ingest(self, server: ServerClient, file: Path) -> IngestOutcome:
        try:
            async with self._uploads:
                known, raw = await self._retrier.call(lambda: self._upload(server, file))
            if known:
                return _outcome(server, file, raw, when_ready="known")
            return (
                await self._follow(server, file, raw) if self._options.wait else IngestOutcome(str(file), "sent", raw)
            )
        except OSError as error:
            return _without_document(file, "failed", WaitReason("unreadable", error.strerror or str(error)))
        except RequestNotSent:
            return _without_document(file, "failed", WaitReason("changed", "the file changed while it was read"))
        except RequestRefused as refusal:
            return self._refused(file, refusal)

    async def _upload(self, server: ServerClient, file: Path) -> tuple[bool, dict[str, Any]]:
        """Whether the bytes were known and final, and the server's JSON."""
        from asyncio import to_thread

        with await to_thread(file.open, "rb") as content:
            response = await server.send(
                "POST",
                "/upload",
                form=self._options.form | given(title=self._options.titles.get(file)),
                files={"file": (safe_line(file.name), content)},
                seconds=UPLOAD_SECONDS,
            )
        raw = json_body(server.connection, response)
        convert_to(server.connection, raw, Document)
        return response.status_code == 200, raw

    async def _follow(self, server: ServerClient, file: Path, raw: dict[str, Any]) -> IngestOutcome:
        def on_stage(stage: Stage) -> None:
            self._progress.reached(str(file), stage)

        try:
            end = await DocumentWatcher(server, raw["document_id"], self._retrier, on_stage).wait()
        except RequestRefused as refusal:
            if refusal.status != 404:
                raise
            return _without_document(file, "failed", WaitReason("deleted", "the document was deleted meanwhile"))
        return _outcome(server, file, end, when_ready="ok")

    def _refused(self, file: Path, refusal: RequestRefused) -> IngestOutcome:
        reason = WaitReason(refusal.slug, refusal.detail)
        if refusal.status in _REJECTED:
            return _without_document(file, "rejected", reason)
        # A cost limit per file says nothing about the next file; an exhausted budget does.
        if refusal.status in _FAILED or (refusal.status == 402 and self._options.bounds_cost):
            return _without_document(file, "failed", reason)
        raise refusal


def _outcome(server: ServerClient, file: Path, raw: dict[str, Any], when_ready: Outcome) -> IngestOutcome:
    document = convert_to(server.connection, raw, Document)
    endings: dict[str, Outcome] = {"ready": when_ready, "rejected": "rejected", "waiting": "waiting"}
    return IngestOutcome(str(file), endings.get(document.status, "failed"), raw, document.reason, document.losses)


def _without_document(file: Path, outcome: Outcome, reason: WaitReason) -> IngestOutcome:
    detail = {"code": reason.code, "detail": reason.detail}
    return IngestOutcome(str(file), outcome, {"document_id": None, "status": outcome, "reason": detail}, reason)


def _write_summary(outcomes: Sequence[IngestOutcome]) -> None:
    counts = Counter(outcome.outcome for outcome in outcomes)
    write_table(("outcome", "files"), [(e, counts[e]) for e in get_args(Outcome) if counts[e]])
    unfinished = sorted((o for o in outcomes if o.outcome in _UNFINISHED), key=lambda o: o.path)
    if unfinished:
        write()
        write_table(("outcome", "file", "reason"), [(o.outcome, o.path, o.reason) for o in unfinished])
