"""Presentations rewritten to what Docling reads whole, before it reads them.

Slides that are hidden in the show and text that nobody sees are taken out and counted; diagrams and equations become
text, links say their address, signs of symbol fonts become characters.
"""

import copy
import re
import zipfile
from collections import Counter
from io import BytesIO
from typing import Any

from lxml import etree

from shared.parsing.docling.charts import CHARTS, chart_lines
from shared.parsing.docling.diagrams import diagram_lines
from shared.parsing.docling.office_packages import ReadablePackage, related_by_id, rewritten, xml_part, xml_tree
from shared.parsing.docling.package_words import words_of_slide
from shared.parsing.docling.slide_colours import unseen_runs
from shared.parsing.docling.slide_places import SHAPES, SlideBox, box_of, parents, slide_of
from shared.parsing.docling.symbols import in_font
from shared.parsing.equations import omml_text
from shared.parsing.links import with_address
from shared.parsing.page_numbers import is_page_number
from shared.parsing.raised import ScriptPosition, marked

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_A14 = "{http://schemas.microsoft.com/office/drawing/2010/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_SLIDE = re.compile(r"ppt/(slides|notesSlides)/[^/]+\.xml")
_FURNITURE = frozenset({"ftr", "hdr", "dt", "sldNum"})
_LEAST_SIZE = 200
"""In hundredths of a point: smaller letters are read by nobody."""


def readable(content: bytes) -> ReadablePackage:
    """The same presentation with everything that is seen in boxes of text."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        hidden, words = 0, Counter[str]()
        parts: dict[str, bytes] = {}
        footers: set[str] = set()
        slide = slide_of(archive)
        for entry in archive.infolist():
            if found := _SLIDE.fullmatch(entry.filename):
                tree = xml_tree(archive.read(entry), huge_tree=True)
                targets = related_by_id(archive, entry.filename)
                above = parents(archive, entry.filename)
                trees = [each for _, each in above]
                for run in list(unseen_runs(tree, archive, above, entry.filename)):
                    hidden += sum(map(_take_text, run.iterchildren(f"{_A}t")))
                if found[1] == "slides" and slide is not None:
                    hidden += _without_outside(tree, trees, slide, archive, targets)
                hidden += _without_hidden(tree)
                _footers_opened(tree, trees, footers)
                _equations_written(tree)
                _diagrams_written(tree, archive, targets)
                _chart_texts_written(tree, archive, targets)
                _links_written(tree, targets)
                _symbols_written(tree)
                _powers_written(tree)
                words += words_of_slide(tree, is_notes=found[1] == "notesSlides")
                parts[entry.filename] = xml_part(tree)
        return ReadablePackage(rewritten(archive, parts.get), hidden, words)


def _without_outside(
    tree: Any, above: list[Any], slide: SlideBox, archive: zipfile.ZipFile, targets: dict[str, str]
) -> int:
    """Takes out text that stands beside its slide, which no show displays; returns how many words it had."""
    words = 0
    for shape in list(tree.iter(*SHAPES)):
        box = box_of(shape, above)
        if box is None or box.meets(slide):
            continue
        words += sum(map(_take_text, list(shape.iter(f"{_A}t"))))
        for reference in shape.iter(f"{_DIAGRAM}relIds"):
            part = targets.get(reference.get(f"{_R}dm", ""), "")
            words += len(" ".join(diagram_lines(archive.read(part))).split()) if part in archive.namelist() else 0
        if shape.tag == f"{_P}graphicFrame":
            shape.getparent().remove(shape)
    return words


def _footers_opened(tree: Any, above: list[Any], seen: set[str]) -> None:
    """Makes boxes of text of the headers, footers and dates that no slide before had, without the slide's number."""
    for field in tree.iter(f"{_A}fld"):
        if field.get("type", "").startswith(("slidenum", "datetime")):
            for text in field.iterchildren(f"{_A}t"):
                text.text = ""
    for holder in list(tree.iter(f"{_P}ph")):
        shape = next(holder.iterancestors(f"{_P}sp"), None)
        if shape is None or holder.get("type") not in _FURNITURE:
            continue
        line = " ".join("".join(shape.itertext(f"{_A}t")).split())
        if line in seen or is_page_number(line):
            continue
        seen.add(line)
        if (box := box_of(shape, above)) is not None and shape.find(f"{_P}spPr/{_A}xfrm") is None:
            _write_place(shape, box)
        holder.getparent().remove(holder)


def _write_place(shape: Any, box: SlideBox) -> None:
    properties = shape.find(f"{_P}spPr")
    if properties is None:
        return
    frame = etree.Element(f"{_A}xfrm")
    etree.SubElement(frame, f"{_A}off", x=str(round(box.left)), y=str(round(box.top)))
    etree.SubElement(frame, f"{_A}ext", cx=str(round(box.right - box.left)), cy=str(round(box.bottom - box.top)))
    properties.insert(0, frame)


def _without_hidden(tree: Any) -> int:
    """Takes out hidden shapes, tiny runs and the text of a hidden slide; returns how many words they had."""
    if tree.get("show") in {"0", "false"}:
        return sum(map(_take_text, list(tree.iter(f"{_A}t"))))
    words = 0
    for properties in tree.iter(f"{_P}cNvPr"):
        if properties.get("hidden") in {"1", "true"}:
            words += sum(map(_take_text, list(properties.getparent().getparent().iter(f"{_A}t"))))
    for properties in tree.iter(f"{_A}rPr"):
        size = properties.get("sz", "")
        if size.isascii() and size.isdigit() and int(size) < _LEAST_SIZE:
            words += sum(map(_take_text, properties.getparent().iterchildren(f"{_A}t")))
    return words


def _take_text(element: Any) -> int:
    words = len((element.text or "").split())
    element.text = ""
    return words


def _diagrams_written(tree: Any, archive: zipfile.ZipFile, targets: dict[str, str]) -> None:
    """Puts a box with the texts of a diagram in its place."""
    for reference in list(tree.iter(f"{_DIAGRAM}relIds")):
        target = targets.get(reference.get(f"{_R}dm", ""), "")
        frame = next(reference.iterancestors(f"{_P}graphicFrame"), None)
        if frame is not None and target in archive.namelist():
            frame.getparent().replace(frame, _box(frame, diagram_lines(archive.read(target))))


def _chart_texts_written(tree: Any, archive: zipfile.ZipFile, targets: dict[str, str]) -> None:
    """Puts a box with what Docling passes over of a chart behind it."""
    for reference in list(tree.iter(*CHARTS)):
        target = targets.get(reference.get(f"{_R}id", ""), "")
        frame = next(reference.iterancestors(f"{_P}graphicFrame"), None)
        lines = chart_lines(archive.read(target)) if target in archive.namelist() else []
        if frame is not None and lines:
            frame.addnext(_box(frame, lines))


def _equations_written(tree: Any) -> None:
    """Writes equations as runs of text, in their line."""
    for equation in list(tree.iter(f"{_A14}m")):
        run = etree.Element(f"{_A}r")
        etree.SubElement(run, f"{_A}t").text = f" {' '.join(map(omml_text, equation.iter(f'{_M}oMath')))} "
        choice = next(equation.iterancestors(f"{_MC}AlternateContent"), equation)
        choice.getparent().replace(choice, run)


def _box(frame: Any, lines: list[str]) -> Any:
    shape = etree.Element(f"{_P}sp")
    names = etree.SubElement(shape, f"{_P}nvSpPr")
    own = frame.find(f"{_P}nvGraphicFramePr/{_P}cNvPr")
    etree.SubElement(names, f"{_P}cNvPr", id="1" if own is None else own.get("id", "1"), name="Diagram")
    etree.SubElement(names, f"{_P}cNvSpPr", txBox="1")
    etree.SubElement(names, f"{_P}nvPr")
    properties = etree.SubElement(shape, f"{_P}spPr")
    if (place := frame.find(f"{_P}xfrm")) is not None:
        place = copy.deepcopy(place)
        place.tag = f"{_A}xfrm"
        properties.append(place)
    etree.SubElement(properties, f"{_A}prstGeom", prst="rect")
    body = etree.SubElement(shape, f"{_P}txBody")
    etree.SubElement(body, f"{_A}bodyPr")
    for line in lines or [""]:
        run = etree.SubElement(etree.SubElement(body, f"{_A}p"), f"{_A}r")
        etree.SubElement(run, f"{_A}t").text = line
    return shape


def _links_written(tree: Any, targets: dict[str, str]) -> None:
    """Writes the address of a link behind its words, once where these are several runs, or behind a shape's text."""
    for paragraph in tree.iter(f"{_A}p"):
        runs = [run for run in paragraph.iterchildren(f"{_A}r") if run.find(f"{_A}t") is not None]
        addresses = [_address(run.find(f"{_A}rPr/{_A}hlinkClick"), targets) for run in runs]
        for place, (run, address) in enumerate(zip(runs, addresses, strict=True)):
            if address and address != (addresses[place + 1] if place + 1 < len(runs) else ""):
                text = run.find(f"{_A}t")
                text.text = with_address(text.text or "", address)
    for properties in tree.iter(f"{_P}cNvPr"):
        address = _address(properties.find(f"{_A}hlinkClick"), targets)
        texts = list(properties.getparent().getparent().iter(f"{_A}t")) if address else []
        if texts:
            texts[-1].text = with_address(texts[-1].text or "", address)


def _address(link: Any, targets: dict[str, str]) -> str:
    return "" if link is None else targets.get(link.get(f"{_R}id", ""), "")


def _symbols_written(tree: Any) -> None:
    for properties in tree.iter(f"{_A}rPr"):
        for name in ("sym", "latin"):
            font = properties.find(f"{_A}{name}")
            for text in properties.getparent().iterchildren(f"{_A}t") if font is not None else ():
                if name == "latin" or any("\uf000" <= letter <= "\uf0ff" for letter in text.text or ""):
                    text.text = in_font(font.get("typeface", ""), text.text or "")


def _powers_written(tree: Any) -> None:
    """Writes powers and indices into their line."""
    for paragraph in {each.getparent().getparent() for each in tree.iter(f"{_A}rPr") if _script(each)}:
        texts = [run.find(f"{_A}t") for run in paragraph.iterchildren(f"{_A}r", f"{_A}fld")]
        texts = [text for text in texts if text is not None]
        views = marked((text.text or "", _script(text.getparent().find(f"{_A}rPr"))) for text in texts)
        for text, view in zip(texts, views, strict=True):
            text.text = view


def _script(properties: Any) -> ScriptPosition:
    """Where the baseline of a run lies, in thousandths of its size above the line's."""
    baseline = "" if properties is None else properties.get("baseline", "").removesuffix("%")
    if not baseline.removeprefix("-").strip("0."):
        return ""
    return "sub" if baseline.startswith("-") else "sup"
