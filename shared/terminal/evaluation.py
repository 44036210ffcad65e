"""`aegis eval`: measures answers and search results with a set of questions whose right answers are known."""

import math
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich_click as click

from shared.terminal.client import call
from shared.terminal.connection import Connection, connection_for
from shared.terminal.errors import CommandError, ExitCode
from shared.terminal.ingest import IngestOptions, ingest_files
from shared.terminal.options import TextParam, mode_option, server_options
from shared.terminal.output import note, safe_line, write, write_json, write_table

_MOST_IDS = 1000
"""Documents that a question can be held to; beyond, all documents of the tenant are asked."""


@click.group(name="eval")
def evaluation() -> None:
    """Measure answers and search results with questions whose right answers are known."""


def _read_limits(context: click.Context, parameter: click.Parameter, typed: Sequence[str]) -> dict[str, float]:
    limits = {}
    for text in typed:
        name, _, value = text.partition("=")
        try:
            limits[name] = float(value)
            if not math.isfinite(limits[name]):
                raise ValueError(text)
        except ValueError:
            raise click.BadParameter(
                f"{text!r} is no measure and number such as recall=0.8", context, parameter
            ) from None
    return limits


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of both evaluations."""
    for option in reversed(
        (
            click.argument("folder", metavar="[SET]", required=False, type=click.Path(exists=True, path_type=Path)),
            click.option(
                "--report", type=click.Path(path_type=Path, file_okay=False), help="Folder for report.md and run.json."
            ),
            click.option(
                "--compare",
                nargs=2,
                type=click.Path(exists=True, path_type=Path),
                metavar="RUN1 RUN2",
                help="Compare two reports instead.",
            ),
            click.option(
                "--at-least",
                "limits",
                multiple=True,
                metavar="MEASURE=VALUE",
                callback=_read_limits,
                help="Exit with 1 when this measure is lower (may be repeated).",
            ),
            click.option("--sample", type=click.IntRange(min=1), help="Ask only so many questions."),
            click.option("--delete", is_flag=True, help="Delete the documents that this run uploaded."),
            mode_option,
        )
    ):
        command = option(command)
    return server_options(command)


@evaluation.command()
@run_options
@click.option("--judge", type=TextParam(), metavar="MODEL", help="Let this model judge the answers, at its price.")
@click.option("--max-cost-usd", type=click.FloatRange(min=0), help="Stop judging at this cost.")
@click.pass_obj
def answers(
    arguments: Sequence[str],
    folder: Path | None,
    report: Path | None,
    compare: tuple[Path, Path] | None,
    limits: dict[str, float],
    sample: int | None,
    delete: bool,
    mode: str,
    judge: str | None,
    max_cost_usd: float | None,
    data: Path,
    as_json: bool,
) -> None:
    """Ask the questions of a set and compare the answers with the right ones.

    SET is a folder with documents/ and questions.jsonl. Exits with 1 when a measure is below --at-least.
    """
    if compare:
        _compare(compare, report, as_json)
        return
    from shared.evaluation.answers import answer_measure_names
    from shared.evaluation.sets import QuestionSet, SetError, read_questions
    from shared.terminal.evaluating import AnswerRun, JudgeOptions

    _require_measures(limits, answer_measure_names(judged=judge is not None))  # before anything is paid for
    try:
        found = read_questions(_given(folder))
    except SetError as error:
        raise CommandError(ExitCode.USAGE, safe_line(error)) from error
    chosen = QuestionSet(found.name, found.documents, found.questions[:sample])
    connection = connection_for(data)
    with _uploaded(connection, chosen.documents, {}, arguments, delete=delete) as ids:
        files = {document_id: path.name for path, document_id in ids.items()}
        judging = JudgeOptions(judge, max_cost_usd) if judge else None
        run = AnswerRun(connection, chosen, files, _held_to(ids.values()), mode, judging).run()
    _write(run, report, limits, as_json)


@evaluation.command()
@run_options
@click.option("--split", default="test", show_default=True, help="Name of the file in qrels/.")
@click.pass_obj
def retrieval(
    arguments: Sequence[str],
    folder: Path | None,
    report: Path | None,
    compare: tuple[Path, Path] | None,
    limits: dict[str, float],
    sample: int | None,
    delete: bool,
    mode: str,
    split: str,
    data: Path,
    as_json: bool,
) -> None:
    """Search for the queries of a set and compare what is found with what is relevant.

    SET is a folder in BEIR's form: corpus.jsonl, queries.jsonl, qrels/. Exits with 1 when a measure is below
    --at-least.
    """
    if compare:
        _compare(compare, report, as_json)
        return
    from shared.evaluation.rankings import ranking_measure_names
    from shared.evaluation.sets import SetError, read_retrieval, sampled
    from shared.terminal.evaluating import RetrievalRun

    _require_measures(limits, ranking_measure_names())
    try:
        found = read_retrieval(_given(folder), split)
    except SetError as error:
        raise CommandError(ExitCode.USAGE, safe_line(error)) from error
    chosen = sampled(found, sample) if sample else found
    connection = connection_for(data)
    with tempfile.TemporaryDirectory() as place:
        paths = {Path(place) / f"{number:06}.txt": one for number, one in enumerate(chosen.corpus, 1)}
        for path, one in paths.items():
            path.write_text(one.text or one.title, encoding="utf-8")
        titles = {path: one.title for path, one in paths.items() if one.title.strip()}
        with _uploaded(connection, list(paths), titles, arguments, delete=delete) as ids:
            known: dict[str, list[str]] = {}
            for path, document_id in ids.items():
                known.setdefault(document_id, []).append(paths[path].document_id)
            run = RetrievalRun(connection, chosen, known, _held_to(known), mode).run()
    _write(run, report, limits, as_json)


def _require_measures(limits: dict[str, float], names: Sequence[str]) -> None:
    """Refuses a limit for a measure that is not among these."""
    for name in limits:
        if name not in names:
            raise CommandError(ExitCode.USAGE, f"there is no measure {safe_line(name)}; there are {', '.join(names)}")


def _given(folder: Path | None) -> Path:
    if folder is None:
        raise click.UsageError("Missing argument 'SET'.")
    return folder


@contextmanager
def _uploaded(
    connection: Connection,
    files: Sequence[Path],
    titles: dict[Path, str],
    arguments: Sequence[str],
    *,
    delete: bool,
) -> Iterator[dict[Path, str]]:
    """Uploads the set's documents and yields their ids by file; with `delete` those that are new are deleted after."""
    options = IngestOptions({}, wait=True, titles=titles)
    outcomes = ingest_files(connection, files, options, False, arguments) if files else []
    lost = [one for one in outcomes if one.outcome not in ("ok", "known")]
    for one in lost:
        note(f"note: {safe_line(one.path)} is not in the suite: {one.reason}")
    try:
        if lost:
            raise CommandError(ExitCode.FAILED, f"{len(lost)} of {len(outcomes)} documents could not be ingested")
        ids = {one.path: one.document["document_id"] for one in outcomes}
        yield {file: ids[str(file)] for file in files if str(file) in ids}
    finally:
        new = [one.document["document_id"] for one in outcomes if one.outcome == "ok"] if delete else []
        for document_id in dict.fromkeys(new):
            call(connection, "DELETE", f"/documents/{document_id}")
        if new:
            note(f"deleted {len(new)} documents")


def _held_to(ids: Iterable[str]) -> list[str] | None:
    """The documents that a question is held to; None for a set with more than a question can name, or with none."""
    distinct = list(dict.fromkeys(ids))
    if len(distinct) > _MOST_IDS:
        note(f"note: more than {_MOST_IDS} documents: all documents of the tenant are searched")
    return distinct if 0 < len(distinct) <= _MOST_IDS else None


def _write(run: Any, report: Path | None, limits: dict[str, float], as_json: bool) -> None:
    from msgspec import to_builtins

    if report:
        from shared.evaluation.reports import REPORT_FILE, write_report

        write_report(run, report)
        note(f"written: {report / REPORT_FILE}")
    if as_json:
        write_json(to_builtins(run))
    else:
        rows = [
            (name, f"{one.value:.4f}", "" if one.low is None else f"{one.low:.3f} to {one.high:.3f}")
            for name, one in run.measures.items()
        ]
        write_table(("measure", "value", "95 % interval"), rows)
    _require_measures(limits, list(run.measures))
    missed = [name for name, least in limits.items() if run.measures[name].value < least]
    for name in missed:
        note(f"{name} is {run.measures[name].value:.4f}, less than {limits[name]}")
    if missed:
        sys.exit(ExitCode.FAILED)


def _compare(paths: tuple[Path, Path], report: Path | None, as_json: bool) -> None:
    from msgspec import to_builtins

    from shared.evaluation.comparison import compare
    from shared.evaluation.reports import REPORT_FILE, comparison_markdown
    from shared.evaluation.runs import read_run

    try:
        found = compare(read_run(paths[0]), read_run(paths[1]))
    except ValueError as error:
        raise CommandError(ExitCode.USAGE, safe_line(error)) from error
    text = comparison_markdown(found)
    if report:
        report.mkdir(parents=True, exist_ok=True)
        (report / REPORT_FILE).write_text(text, encoding="utf-8")
        note(f"written: {report / REPORT_FILE}")
    if as_json:
        write_json(to_builtins(found))
    elif not report:
        write(text, newline=False)


eval = evaluation  # noqa: A001  the command's name
