"""Word documents rewritten to what Docling reads whole, before it reads them.

What a reader of the document does not see is taken out and counted; what Docling passes over is written in plain
paragraphs and runs.
"""

import zipfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from lxml import etree

from shared.parsing.docling.office_packages import ReadablePackage, related_by_id, rewritten, xml_part, xml_tree
from shared.parsing.docling.package_words import words_of_word
from shared.parsing.docling.word.chunks import with_chart_texts, with_chunks, with_diagrams
from shared.parsing.docling.word.fields import without_page_numbers
from shared.parsing.docling.word.hidden import Visibility
from shared.parsing.docling.word.names import R, W, attribute, child_value, is_on, paragraph, text_of, text_run
from shared.parsing.docling.word.numbering import Numbering
from shared.parsing.docling.word.revisions import deleted_notes, settle
from shared.parsing.docling.word.runs import (
    drop_caps_joined,
    equations_written,
    flat_formatting,
    form_fields_written,
    powers_written,
    ruby_written,
    symbols_written,
)
from shared.parsing.docling.word.tables import grids_completed, nested_tables_written
from shared.parsing.limits import ParsingLimits
from shared.parsing.page_numbers import is_page_number
from shared.parsing.tables import row_line

_MAIN = "word/document.xml"
_IMPORTED = b"<imported/>"
"""Stands for a part whose text is in the document's own: a whole document as a part is no XML, which Docling expects of
its content type."""

_NOTES = ("word/footnotes.xml", "word/endnotes.xml", "word/comments.xml")


def readable(content: bytes, limits: ParsingLimits) -> ReadablePackage:
    """The same document with everything that is seen in plain paragraphs, runs and tables."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        names = set(archive.namelist())
        if _MAIN not in names:
            return ReadablePackage(content, 0, Counter())
        trees = {name: _tree(archive, name) for name in (_MAIN, *_NOTES) if name in names}
        look = _tree(archive, "word/styles.xml") if "word/styles.xml" in names else None
        styles = {} if look is None else {attribute(style, "styleId"): style for style in look.iter(f"{W}style")}
        visibility = Visibility(styles, trees[_MAIN])
        hidden = _take_notes(trees)
        hidden += sum(_settled(tree, visibility) for tree in trees.values())
        body = trees[_MAIN].find(f"{W}body")
        imported = set[str]()
        if body is not None:
            targets = related_by_id(archive, _MAIN)
            lists = _tree(archive, "word/numbering.xml") if "word/numbering.xml" in names else None
            _label(body, Numbering(lists, styles, _language(look)))
            with_diagrams(body, archive, targets)
            with_chart_texts(body, archive, targets)
            imported = {targets.get(chunk.get(f"{R}id", ""), "") for chunk in body.iter(f"{W}altChunk")} & names
            hidden += with_chunks(body, archive, targets, limits)
            hidden += _with_furniture(body, archive, targets, visibility)
        parts = {name: xml_part(tree) for name, tree in trees.items()}
        parts |= dict.fromkeys(imported, _IMPORTED)
        return ReadablePackage(rewritten(archive, parts.get), hidden, words_of_word(trees.values()))


def _take_notes(trees: dict[str, Any]) -> int:
    """Takes out the notes whose references are deleted; returns how many words they had."""
    words = 0
    for kind, number in deleted_notes(trees[_MAIN]):
        notes = trees.get(f"word/{kind}s.xml")
        for note in () if notes is None else notes.findall(f"{W}{kind}"):
            if attribute(note, "id") == number:
                words += len(text_of(note).split())
                note.getparent().remove(note)
    return words


def _settled(tree: Any, visibility: Visibility) -> int:
    """Rewrites a part; returns how many of its words are hidden."""
    hidden = settle(tree)
    hidden += visibility.take_hidden(tree)
    ruby_written(tree)
    equations_written(tree)
    symbols_written(tree)
    form_fields_written(tree)
    powers_written(tree, visibility.properties)
    flat_formatting(tree)
    drop_caps_joined(tree)
    nested_tables_written(tree)
    grids_completed(tree)
    return hidden


def _label(body: Any, numbering: Numbering) -> None:
    """Writes the labels of lists whose numbers Docling would not show as Word does."""
    for each in body.iter(f"{W}p"):
        place = numbering.place(each)
        if place is None or numbering.is_plain(place[0]):
            continue
        label = numbering.label(*place)
        if not label or not text_of(each).strip():
            continue
        properties = each.find(f"{W}pPr")
        if properties is None:
            properties = etree.Element(f"{W}pPr")
            each.insert(0, properties)
        for old in properties.findall(f"{W}numPr"):
            properties.remove(old)
        none = etree.SubElement(properties, f"{W}numPr")
        etree.SubElement(none, f"{W}numId").set(f"{W}val", "0")
        properties.addnext(text_run(f"{label} "))


def _with_furniture(body: Any, archive: zipfile.ZipFile, targets: dict[str, str], visibility: Visibility) -> int:
    """Puts the words of headers before the text and those of footers behind it, each once."""
    hidden = 0
    seen: set[str] = set()
    for name, first in (("headerReference", True), ("footerReference", False)):
        lines: list[str] = []
        for reference in body.iter(f"{W}{name}"):
            if not _is_used(reference, archive):
                continue
            part = targets.get(reference.get(f"{R}id", ""), "")
            if part not in archive.namelist() or part in seen:
                continue
            seen.add(part)
            tree = _tree(archive, part)
            without_page_numbers(tree)
            hidden += _settled(tree, visibility)
            lines += _lines(tree)
        fresh = [line for line in dict.fromkeys(lines) if not is_page_number(line) and line not in seen]
        seen.update(fresh)
        for place, line in enumerate(fresh):
            if first:
                body.insert(place, paragraph(line))
            else:
                last = body.find(f"{W}sectPr")
                body.append(paragraph(line)) if last is None else last.addprevious(paragraph(line))
    return hidden


def _lines(tree: Any) -> Iterator[str]:
    """Yields the paragraphs of a header or footer, the rows of a table each in one line."""
    for element in tree.iter(f"{W}p", f"{W}tr"):
        if element.tag == f"{W}tr":
            cells = (cell.iter(f"{W}p") for cell in element.iterchildren(f"{W}tc"))
            yield row_line([" ".join(filter(None, map(_line, cell))) for cell in cells])
        elif next(element.iterancestors(f"{W}tr"), None) is None:
            yield _line(element)


def _line(paragraph: Any) -> str:
    """The text of a paragraph without that of the boxes in it, which are paragraphs of their own."""
    parts = paragraph.iter(f"{W}t", f"{W}tab", f"{W}br")
    own = (part for part in parts if next(part.iterancestors(f"{W}p"), None) is paragraph)
    return " ".join("".join((part.text or "") if part.tag == f"{W}t" else " " for part in own).split())


def _is_used(reference: Any, archive: zipfile.ZipFile) -> bool:
    """Whether a header or footer is seen: those of first and even pages only where the document asks for them."""
    match attribute(reference, "type"):
        case "first":
            return is_on(reference.getparent().find(f"{W}titlePg"))
        case "even":
            if "word/settings.xml" not in archive.namelist():
                return False
            return is_on(_tree(archive, "word/settings.xml").find(f"{W}evenAndOddHeaders"))
        case _:
            return True


def _language(look: Any) -> str:
    """The language of a document's text by default; empty where its styles name none."""
    return "" if look is None else child_value(look.find(f"{W}docDefaults/{W}rPrDefault/{W}rPr"), "lang")


def _tree(archive: zipfile.ZipFile, name: str) -> Any:
    return xml_tree(archive.read(name), huge_tree=True)
