"""One table as files of nine formats, read by their parsers and cut into passages."""

import json
from collections.abc import Callable
from datetime import date
from io import BytesIO

import docx
import openpyxl
from odfdo import Cell, Document, Row, Table
from reportlab.lib import colors
from reportlab.platypus import SimpleDocTemplate, TableStyle
from reportlab.platypus import Table as DrawnTable

from functions.chunk.splitter import split
from functions.chunk.tokens import TokenCounter
from shared.language.detect import detect
from shared.parsing.dispatch import parse
from shared.parsing.limits import ParsingLimits
from shared.types.passage import Found, Passage
from tests.documents.routed import routed

Rows = tuple[tuple[str, ...], ...]

_COUNTER = TokenCounter()


def found_in(name: str, content: bytes, document_id: str = "doc_0") -> list[Found]:
    """The file's passages, as a search would find all of them."""
    to = routed(name, content)
    document = parse(to.parser, to.media_type, name, content, ParsingLimits())
    title = document.title or name.rpartition(".")[0]
    drafts = split(document, title=title, count_tokens=_COUNTER, detect_language=detect)
    return [
        Found(Passage(f"psg_{document_id}_{at}", document_id, 1, at, draft.text, draft.context, draft.language), 1.0)
        for at, draft in enumerate(drafts)
    ]


def _csv(rows: Rows) -> bytes:
    return "\n".join(",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in rows).encode()


def _markdown(rows: Rows) -> bytes:
    lines = [f"| {' | '.join(row)} |" for row in (rows[0], ("---",) * len(rows[0]), *rows[1:])]
    return ("# Staff\n\n" + "\n".join(lines)).encode()


def _html(rows: Rows) -> bytes:
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return f"<h1>Staff</h1><table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>".encode()


def _json(rows: Rows) -> bytes:
    keys = [name.lower().replace(" ", "_") for name in rows[0]]
    return json.dumps([dict(zip(keys, row, strict=True)) for row in rows[1:]], ensure_ascii=False).encode()


def _xml(rows: Rows) -> bytes:
    keys = [name.lower().replace(" ", "_") for name in rows[0]]
    records = ("".join(f"<{key}>{cell}</{key}>" for key, cell in zip(keys, row, strict=True)) for row in rows[1:])
    return f"<staff>{''.join(f'<employee>{record}</employee>' for record in records)}</staff>".encode()


def _xlsx(rows: Rows) -> bytes:
    book, written = openpyxl.Workbook(), BytesIO()
    sheet = book.active
    for row in rows:
        sheet.append([int(cell) if cell.isdigit() else _date(cell) for cell in row])
    book.save(written)
    return written.getvalue()


def _date(cell: str) -> date | str:
    try:
        return date.fromisoformat(cell)
    except ValueError:
        return cell


def _ods(rows: Rows) -> bytes:
    document, table, written = Document("spreadsheet"), Table("Staff"), BytesIO()
    document.body.clear()
    for cells in rows:
        row = Row()
        for cell in cells:
            row.append_cell(Cell(int(cell) if cell.isdigit() else cell))
        table.append_row(row)
    document.body.append(table)
    document.save(written)
    return written.getvalue()


def _docx(rows: Rows) -> bytes:
    document, written = docx.Document(), BytesIO()
    table = document.add_table(len(rows), len(rows[0]))
    for at, row in enumerate(rows):
        for place, cell in enumerate(row):
            table.cell(at, place).text = cell
    document.save(written)
    return written.getvalue()


def _pdf(rows: Rows) -> bytes:
    written = BytesIO()
    grid = TableStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.black)])
    SimpleDocTemplate(written).build([DrawnTable([list(row) for row in rows], style=grid)])
    return written.getvalue()


WRITERS: dict[str, Callable[[Rows], bytes]] = {
    "csv": _csv, "md": _markdown, "html": _html, "json": _json, "xml": _xml, "xlsx": _xlsx, "ods": _ods, "docx": _docx,
    "pdf": _pdf,
}  # fmt: skip
