"""How well the tables of PDF pages are read: neighbouring cells, TEDS, invented tables, and what a page costs.

    python -m tests.speed tables [FOLDER] [--scanned]

Of pages made here, whose cells are known; in a folder also of each `NAME.pdf` beside its `NAME.pdf.groundtruth.md`.
*cells* is the F1 of neighbouring cells (pairs of a cell and the one right of it or below it, each counted as often as
it stands there). TEDS needs `table-recognition-metric`; without it, its column is empty. With `--scanned` the made
pages are read as pictures.
"""

import argparse
import re
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from statistics import mean

from shared.parsing.limits import ParsingLimits
from shared.parsing.paged import slices
from shared.types.errors import AegisError
from tests.speed.table_samples import KINDS, Rows, prose_pages, table_pages

TRUTH = ".groundtruth.md"
TITLE = "Tables of PDF pages"
COLUMNS = ("kind", "pages", "cells", "TEDS", "processor s a page")
Tables = Sequence[Sequence[Sequence[str]]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="with PDFs and their ground truth")
    parser.add_argument("--scanned", action="store_true", help="read the made pages as pictures")
    parser.add_argument("--each", type=int, default=8, help="pages of each kind")
    arguments = parser.parse_args()
    slices.preload()
    print(table(arguments.folder, arguments.each, scanned=arguments.scanned))
    return 0


def section(folder: Path | None) -> str:
    """Returns the figures and what they mean, in Markdown."""
    intro = (
        f"On {datetime.now(UTC).strftime('%Y-%m-%d')}: "
        "*cells* is the F1 of neighbouring cells: the pairs of a cell and the one right of it or below it, each "
        "counted as often as it stands there, against what the tables should read as. *TEDS* is the likeness of the "
        "tables as trees. The first kinds are pages made by the tests, with captions, figures aligned right, empty "
        "cells, headers of two lines, two tables on a page, and tables beside a column of text; a cell that spans "
        "others is repeated in each. *prose* has columns of text, contents, lists, addresses and letters: a table "
        "read there is one too many. Files from elsewhere are held against their tables as printed; what else is read "
        "as a table there counts against it."
    )
    return f"{textwrap.fill(intro, 120)}\n\n{table(folder)}"


def table(folder: Path | None, each: int = 8, *, scanned: bool = False) -> str:
    """Returns the figures as a table in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|--:|--:|--:|--:|"]
    pages = table_pages(each)
    for kind in KINDS:
        read = [(_read(page.content, scanned=scanned), page.tables) for page in pages if page.kind == kind]
        lines.append(_line(kind, [(found, truth, seconds) for (found, seconds), truth in read]))
    if folder:
        for path in sorted(folder.rglob(f"*.pdf{TRUTH}")):
            truth = markdown_tables(path.read_text())
            found, seconds = _read(path.with_name(path.name.removesuffix(TRUTH)).read_bytes())
            lines.append(_line(path.name.removesuffix(TRUTH), [(found, truth, seconds)]))
    prose = [_read(content, scanned=scanned) for content in prose_pages()]
    invented = sum(len(found) for found, _ in prose)
    lines.append(f"| prose: {invented} tables | {len(prose)} |  |  | {mean(seconds for _, seconds in prose):.3f} |")
    return "\n".join(lines)


def _line(kind: str, read: Sequence[tuple[Tables, Tables, float]]) -> str:
    cells = mean(same_neighbours(found, truth) for found, truth, _ in read)
    measured = teds()
    likeness = f"{mean(_likeness(measured, found, truth) for found, truth, _ in read):.3f}" if measured else ""
    return f"| {kind} | {len(read)} | {cells:.3f} | {likeness} | {mean(seconds for *_, seconds in read):.3f} |"


def _read(content: bytes, *, scanned: bool = False) -> tuple[Tables, float]:
    media_type = "application/pdf"
    if scanned:
        media_type, content = "image/png", _picture(content)
    started = time.process_time()
    try:
        document = slices.parse(media_type, "page.pdf", content, ParsingLimits())
    except AegisError:
        return [], time.process_time() - started
    seconds = (time.process_time() - started) / max(1, document.pages or 1)
    return [block.rows for block in document.blocks if block.kind == "table"], seconds


def _picture(content: bytes) -> bytes:
    from pypdfium2 import PdfDocument

    written = BytesIO()
    with PdfDocument(content) as opened:
        opened[0].render(scale=2).to_pil().save(written, "PNG")
    return written.getvalue()


def markdown_tables(text: str) -> list[Rows]:
    """Returns the tables of a Markdown text."""
    tables: list[list[tuple[str, ...]]] = [[]]
    for line in text.splitlines():
        if not line.startswith("|"):
            tables.append([])
        elif not re.fullmatch(r"[|:\s-]+", line) or not tables[-1]:
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            tables[-1].append(tuple(" ".join(cell.replace("\\|", "|").split()) for cell in cells))
    return [tuple(rows) for rows in tables if rows]


def same_neighbours(found: Tables, truth: Tables) -> float:
    """Returns the F1 of pairs of neighbouring cells."""
    ours, theirs = Counter(_neighbours(found)), Counter(_neighbours(truth))
    common = (ours & theirs).total()
    return 2 * common / (ours.total() + theirs.total()) if common else float(not ours and not theirs)


def _neighbours(tables: Tables) -> Iterator[tuple[str, str, str]]:
    for rows in tables:
        for down, row in enumerate(rows):
            for across, cell in enumerate(row):
                if across + 1 < len(row):
                    yield "right", _bare(cell), _bare(row[across + 1])
                if down + 1 < len(rows) and across < len(rows[down + 1]):
                    yield "below", _bare(cell), _bare(rows[down + 1][across])


def _bare(cell: str) -> str:
    return "".join(cell.split())


def teds() -> Callable[[str, str], float] | None:
    if not find_spec("table_recognition_metric"):
        return None
    measured: Callable[[str, str], float] = import_module("table_recognition_metric").TEDS()
    return measured


def _likeness(measured: Callable[[str, str], float], found: Tables, truth: Tables) -> float:
    pairs = [
        measured(_html(found[place]), _html(rows)) if place < len(found) else 0.0 for place, rows in enumerate(truth)
    ]
    return sum(pairs) / max(len(found), len(truth), 1)


def _html(rows: Iterable[Sequence[str]]) -> str:
    lines = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<html><body><table>{lines}</table></body></html>"


if __name__ == "__main__":
    sys.exit(main())
