"""What is read of each format and how long it takes, against Docling as it comes, file by file in the same run.

    python -m tests.speed documents [FOLDER] [--tables FOLDER] [--write]

Without a folder, of files made here, whose text is known. In a folder, `NAME.groundtruth.md` is what `NAME` should
read as; a PDF without one is held against its text layer, anything else without one is left out.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from shared.parsing.limits import ParsingLimits
from shared.parsing.markdown import to_markdown
from shared.parsing.paged.slices import preload
from shared.parsing.pool import ParserPool
from shared.types.errors import AegisError
from tests.documents.reports import report
from tests.documents.routed import parsed
from tests.documents.with_text import EXTENSIONS, PICTURES, document_with
from tests.speed.bare_docling import markdown_of
from tests.speed.formats_table import Read, Row, document, table
from tests.speed.similarity import same_order, same_words, words
from tests.speed.tables import TITLE, TRUTH, section

WRITTEN = Path(__file__).resolve().parents[2] / "docs/reference/formats-measured.md"
TURNS = 2
"""Conversions of each file by each side; the faster one counts, so that both are warm."""


class Sample(Struct, frozen=True):
    """A file and what it should read as. `kind` is the row that it belongs to."""

    kind: str
    name: str
    content: bytes
    truth: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="with files and their ground truth")
    parser.add_argument("--tables", type=Path, help="with PDFs and the tables they should read as, in Markdown")
    parser.add_argument("--write", action="store_true", help="keep the tables in docs/reference/formats-measured.md")
    arguments = parser.parse_args()
    tables = {"Files made by the tests": table(asyncio.run(measure(list(_made()))))}
    if arguments.folder:
        tables["Files from elsewhere"] = table(asyncio.run(measure(list(_found(arguments.folder)))))
    preload()
    tables[TITLE] = section(arguments.tables)
    for title, lines in tables.items():
        print(f"{title}\n\n{lines}\n")
    if arguments.write:
        WRITTEN.write_text(document(tables))
    return 0


def _made() -> Iterator[Sample]:
    """About 3.5 kB of words each; what has to be read off a picture, a third of that."""
    for number, extension in enumerate(EXTENSIONS):
        text = report(number, sentences=13 if extension in PICTURES else 40)
        yield Sample(extension, f"file.{extension}", document_with(extension, text), text)


def _found(folder: Path) -> Iterator[Sample]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(TRUTH)):
        kind, content = path.suffix.removeprefix(".").lower(), path.read_bytes()
        beside = path.with_name(path.name + TRUTH)
        if beside.exists():
            yield Sample(kind, f"file.{kind}", content, beside.read_text())
        elif kind == "pdf" and (layer := _text_layer(content)):
            yield Sample("pdf, by its text layer", "file.pdf", content, layer)


def _text_layer(content: bytes) -> str:
    """Nothing where it cannot be opened."""
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        with PdfDocument(content) as opened:
            return "\n".join(page.get_textpage().get_text_range() for page in opened)
    except PdfiumError:
        return ""


async def measure(samples: list[Sample]) -> list[Row]:
    """Both sides take each file in turn, so that a busy machine is busy for both."""
    pool = ParserPool(ParsingLimits())
    rows = []
    try:
        for sample in samples:
            ours = docling = None
            for _ in range(TURNS):
                ours = _better(ours, await _ours(pool, sample))
                docling = _better(docling, _docling(sample))
            rows.append(Row(sample.kind, ours, docling))
    finally:
        await pool.close()
    return rows


async def _ours(pool: ParserPool, sample: Sample) -> Read | None:
    started = time.perf_counter()
    try:
        document = await parsed(pool, sample.name, sample.content)
    except AegisError:
        return None
    return _scored(to_markdown(document), sample, time.perf_counter() - started)


def _docling(sample: Sample) -> Read | None:
    started = time.perf_counter()
    markdown = markdown_of(sample.name, sample.content)
    return _scored(markdown, sample, time.perf_counter() - started) if markdown else None


def _scored(markdown: str, sample: Sample, seconds: float) -> Read:
    found, true = words(markdown), words(sample.truth)
    return Read(same_words(found, true), same_order(found, true), seconds)


def _better(before: Read | None, now: Read | None) -> Read | None:
    return min(filter(None, (before, now)), key=lambda read: read.seconds, default=None)


if __name__ == "__main__":
    sys.exit(main())
