"""Parts that a Word document imports (altChunk) and the texts of its diagrams."""

import zipfile
from typing import Any

from lxml import etree

from shared.parsing.docling.charts import CHARTS, chart_lines
from shared.parsing.docling.diagrams import diagram_lines
from shared.parsing.docling.word.names import DIAGRAM, R, W, paragraph
from shared.parsing.document import Block, ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_LIGHT = {
    "html": "text/html",
    "htm": "text/html",
    "xhtml": "text/html",
    "txt": "text/plain",
    "xml": "application/xml",
    "mht": "multipart/related",
    "mhtml": "multipart/related",
}


def with_chunks(body: Any, archive: zipfile.ZipFile, targets: dict[str, str], limits: ParsingLimits) -> int:
    """Puts the blocks of imported parts where they are imported; returns how many hidden words these have."""
    hidden = 0
    for chunk in list(body.iter(f"{W}altChunk")):
        part = targets.get(chunk.get(f"{R}id", ""), "")
        document = _document(part, archive.read(part), limits) if part in archive.namelist() else None
        for element in map(_element, document.blocks if document else ()):
            chunk.addprevious(element)
        hidden += document.hidden_words if document else 0
        chunk.getparent().remove(chunk)
    return hidden


def _document(part: str, content: bytes, limits: ParsingLimits) -> ParsedDocument | None:
    """None for a part without words."""
    extension = part.rpartition(".")[2].lower()
    if content.startswith(b"{\\rtf"):
        extension = "rtf"
    try:
        if content.startswith(b"PK") or extension == "docx":
            from shared.parsing.docling.parsers import parse
            from shared.parsing.guards import check

            check(_WORD, content, limits)
            return parse(_WORD, part, content, limits)
        if extension == "rtf":
            from shared.parsing.legacy.parsers import parse as parse_legacy

            return parse_legacy("application/rtf", part, content, limits)
        from shared.parsing.light.parsers import parse_light

        return parse_light(_LIGHT.get(extension, "text/plain"), content, limits)
    except Rejected as rejected:
        if rejected.code == "empty":
            return None
        raise


def _element(block: Block) -> Any:
    if block.rows:
        table = etree.Element(f"{W}tbl")
        etree.SubElement(table, f"{W}tblPr")
        grid = etree.SubElement(table, f"{W}tblGrid")
        for _ in block.rows[0]:
            etree.SubElement(grid, f"{W}gridCol")
        for row in block.rows:
            line = etree.SubElement(table, f"{W}tr")
            for cell in row:
                etree.SubElement(line, f"{W}tc").append(paragraph(cell))
        return table
    return paragraph(block.text)


def with_diagrams(body: Any, archive: zipfile.ZipFile, targets: dict[str, str]) -> None:
    """Writes the texts of a diagram (SmartArt) as paragraphs behind the one that holds it."""
    for reference in list(body.iter(f"{DIAGRAM}relIds")):
        part = targets.get(reference.get(f"{R}dm", ""), "")
        holder = next(reference.iterancestors(f"{W}p"), None)
        if part in archive.namelist() and holder is not None:
            for line in reversed(diagram_lines(archive.read(part))):
                holder.addnext(paragraph(line))


def with_chart_texts(body: Any, archive: zipfile.ZipFile, targets: dict[str, str]) -> None:
    """Writes what Docling passes over of a chart as paragraphs behind the one that holds it."""
    for reference in list(body.iter(*CHARTS)):
        part = targets.get(reference.get(f"{R}id", ""), "")
        holder = next(reference.iterancestors(f"{W}p"), None)
        if part in archive.namelist() and holder is not None:
            for line in reversed(chart_lines(archive.read(part))):
                holder.addnext(paragraph(line))
