"""Writes runs and comparisons as Markdown, with plots beside."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from shared.evaluation.answers import OUTCOMES, answer_measures
from shared.evaluation.charts import curve, stacked_bars
from shared.evaluation.comparison import Comparison
from shared.evaluation.rankings import ranking_measures
from shared.evaluation.runs import Measure, Run, RunItem, write_run

REPORT_FILE = "report.md"
MEASURES = {
    "precision": "of the answers given, those that are right",
    "recall": "of the questions with an answer, those answered right",
    "f1": "the harmonic mean of both",
    "refusal_precision": "of the refusals, those of questions without an answer",
    "refusal_recall": "of the questions without an answer, those refused",
    "right_decisions": "of all questions, those answered right or rightly refused",
    "found": "the file with the answer was among the passages found",
    "quote_overlap": "F1 of the words of the first quote and of the right one",
    "citation_precision": "of the citations of an answer, those of the right file",
    "citation_recall": "answers that cite the right file",
    "faithfulness": "of an answer's statements, those that a model finds in the passages",
    "relevance": "how near the questions that the answer would answer come to the one asked",
    "seconds_p50": "time of an answer, median",
    "seconds_p95": "time of an answer, 95th percentile",
    "cost_usd": "cost of all answers in USD",
}
_LISTED = 40
_CELL = 160


def write_report(run: Run, folder: Path) -> None:
    """Writes `report.md`, its plots and `run.json`."""
    write_run(run, folder)
    drawings = plots(run)
    for name, drawing in drawings.items():
        (folder / name).write_text(drawing, encoding="utf-8")
    (folder / REPORT_FILE).write_text(markdown(run, list(drawings)), encoding="utf-8")


def plots(run: Run) -> dict[str, str]:
    """The drawings of a report by file name."""
    if run.kind == "retrieval":
        names = [name for name in run.measures if "@" in name]
        lines = {name: _ordered([item.scores[name] for item in run.items]) for name in names}
        return {"queries.svg": curve("Measures by query, best first", "part of the queries", "measure", lines)}
    rows = {
        f"{key}: {value}": _counts(items) for key, grouped in groups(run).items() for value, items in grouped.items()
    }
    return {
        "outcomes.svg": stacked_bars("Outcomes", OUTCOMES, {"all": _counts(run.items), **rows}),
        "coverage.svg": curve(
            "Precision, were only the surest answered", "part of the questions answered", "precision", _coverage(run)
        ),
    }


def markdown(run: Run, drawings: Sequence[str]) -> str:
    """`drawings` are the files of the plots beside it."""
    measures: Callable[[Sequence[RunItem]], dict[str, Measure]] = (
        answer_measures if run.kind == "answers" else ranking_measures
    )
    lines = [f"# Evaluation of {run.kind}: {_cell(run.set)}", "", f"{len(run.items)} questions, {run.at}.", ""]
    lines += [*table(("measure", "value", "95 % interval", "what it is"), _measure_rows(run.measures)), ""]
    lines += [f"![{name.removesuffix('.svg')}]({name})\n" for name in drawings]
    for key, grouped in groups(run).items():
        measured = {value: measures(items) for value, items in grouped.items()}
        lines += [f"## By {_cell(key)}", "", *_group_table(key, measured), ""]
    wrong = [item for item in run.items if item.outcome in ("wrong", "refused", "invented")]
    if wrong:
        lines += ["## Questions that went wrong", ""]
        rows = [
            (item.id, item.outcome, item.question, " / ".join(item.gold), _first_quote(item))
            for item in wrong[:_LISTED]
        ]
        lines += [*table(("id", "outcome", "question", "right", "first quote"), rows), ""]
        if len(wrong) > _LISTED:
            lines += [f"The other {len(wrong) - _LISTED} stand in `run.json`.", ""]
    return "\n".join(lines)


def comparison_markdown(found: Comparison) -> str:
    changes = [
        (name, f"{one.before:.3f}", f"{one.after:.3f}", f"{one.change:+.3f}") for name, one in found.measures.items()
    ]
    lines = ["# Comparison", "", f"Before: {_cell(found.before)}. After: {_cell(found.after)}.", ""]
    lines += [*table(("measure", "before", "after", "change"), changes), ""]
    lines += [
        f"Of {found.questions} questions {len(found.better)} went better and {len(found.worse)} worse; a split so "
        f"uneven comes by chance with probability {found.p_value:.3f}.",
        "",
    ]
    for title, items in (("Better", found.better), ("Worse", found.worse)):
        if items:
            rows = [(item.id, item.outcome, item.question, _first_quote(item)) for item in items[:_LISTED]]
            lines += [f"## {title}", "", *table(("id", "now", "question", "first quote"), rows), ""]
    if found.missing:
        lines += [f"{len(found.missing)} questions stand in one run only.", ""]
    return "\n".join(lines)


def groups(run: Run) -> dict[str, dict[str, list[RunItem]]]:
    """The items by each tag and value, in order, where a tag has more than one value."""
    found: dict[str, dict[str, list[RunItem]]] = {}
    for item in run.items:
        for key, value in item.tags.items():
            found.setdefault(key, {}).setdefault(value, []).append(item)
    return {key: dict(sorted(values.items())) for key, values in sorted(found.items()) if len(values) > 1}


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """The lines of a Markdown table."""
    return [
        f"| {' | '.join(heads)} |",
        "|" + "---|" * len(heads),
        *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows),
    ]


def _measure_rows(measures: dict[str, Measure]) -> list[tuple[str, str, str, str]]:
    return [
        (
            name,
            f"{one.value:.3f}",
            "" if one.low is None else f"{one.low:.3f} to {one.high:.3f}",
            MEASURES.get(name, ""),
        )
        for name, one in measures.items()
    ]


def _group_table(key: str, grouped: dict[str, dict[str, Measure]]) -> list[str]:
    names = [name for name in MEASURES if any(name in found for found in grouped.values())]
    names = [name for name in names if name not in ("cost_usd", "seconds_p50", "seconds_p95")] or [
        name for name in next(iter(grouped.values())) if "@" in name
    ]
    rows = [
        [value, *(f"{found[name].value:.3f}" if name in found else "" for name in names)]
        for value, found in grouped.items()
    ]
    return table((key, *names), rows)


def _counts(items: Sequence[RunItem]) -> list[int]:
    counts = Counter(item.outcome for item in items)
    return [counts[outcome] for outcome in OUTCOMES]


def _coverage(run: Run) -> dict[str, list[tuple[float, float]]]:
    """Precision among the surest answers, by how many of all questions those are."""
    answers = [item for item in run.items if "confidence" in item.scores]
    answers.sort(key=lambda item: -item.scores["confidence"])
    points, right = [], 0
    for place, item in enumerate(answers, 1):
        right += item.outcome == "right"
        points.append((place / len(run.items), right / place))
    return {"answers": points} if points else {}


def _ordered(values: list[float]) -> list[tuple[float, float]]:
    ordered = sorted(values, reverse=True)
    return [(place / max(1, len(ordered) - 1), value) for place, value in enumerate(ordered)]


def _first_quote(item: RunItem) -> str:
    return (item.quotes[0] if item.quotes else item.answer) or "(refused)"


def _cell(value: object) -> str:
    """Text of a document stays one cell: no line end, no column, no markup of its own."""
    text = " ".join(str(value).split())
    text = text if len(text) <= _CELL else text[: _CELL - 1] + "…"
    return "".join(f"\\{letter}" if letter in "\\|`*_[]<>!#" else letter for letter in text)
