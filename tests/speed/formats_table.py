"""Measured formats as Markdown."""

import os
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from shutil import which

from msgspec import Struct

_HEAD = "| format | files | words | order | seconds | Docling: taken | words | order | seconds |"
_RULE = "|---|--:|--:|--:|--:|--:|--:|--:|--:|"


class Read(Struct, frozen=True):
    """What one side made of a file: likeness to the truth from 0 to 1, and seconds."""

    words: float
    order: float
    seconds: float


class Row(Struct, frozen=True):
    """Both sides' results of a file; None where it was not taken."""

    kind: str
    ours: Read | None
    docling: Read | None


def table(rows: Sequence[Row]) -> str:
    """A line for each kind, in the order in which they come, with the medians of its files."""
    kinds = dict.fromkeys(row.kind for row in rows)
    return "\n".join([_HEAD, _RULE, *(_line(kind, [row for row in rows if row.kind == kind]) for kind in kinds)])


def _line(kind: str, rows: Sequence[Row]) -> str:
    ours = [row.ours for row in rows if row.ours]
    docling = [row.docling for row in rows if row.docling]
    taken = str(len(rows)) if len(ours) == len(rows) else f"{len(ours)} of {len(rows)}"
    cells = [kind, taken, *_medians(ours), str(len(docling)) if docling else "none", *_medians(docling)]
    return f"| {' | '.join(cells)} |"


def _medians(reads: Sequence[Read]) -> list[str]:
    if not reads:
        return ["", "", ""]
    columns = zip(*((read.words, read.order, read.seconds) for read in reads), strict=True)
    return [f"{statistics.median(column):.3f}" for column in columns]


def document(tables: Mapping[str, str]) -> str:
    """The whole page."""
    cores = {1: "one core", 2: "two cores"}.get(count := os.cpu_count() or 1, f"{count} cores")
    office = "with LibreOffice beside it" if which("soffice") else "without LibreOffice"
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    intro = (
        f"On {today}, on a machine with {cores}. *words* is the F1 of the words, each counted as often as it stands "
        "there, and *order* that of neighbouring pairs of words, against what the file should read as; *seconds* is "
        "the time of a warm conversion; all are medians. Ours goes through a worker's process, as in the suite. "
        f"Docling is the same release as it comes, {office}, in the measuring process, warm, with the PDF pipeline "
        "that needs no weights; *taken* counts the files that it converts to any text."
    )
    note = "<!-- Written by `python -m tests.speed documents FOLDER --write`; do not edit. -->"
    parts = [note, "# Formats, measured", textwrap.fill(intro, 120)]
    parts += [f"## {title}\n\n{lines}" for title, lines in tables.items()]
    outro = (
        "A PDF without a ground truth is held against its text layer. Files without one are left out, and so is what "
        "stands beside the text, such as the reviews of an article. The truth of articles (nxml) has a space at every "
        "index: it counts `N2O` and `CO2e`, as we read them, as lost words, for it says `N 2 O` and `CO 2 e`."
    )
    parts.append(textwrap.fill(outro, 120))
    return "\n\n".join(parts) + "\n"
