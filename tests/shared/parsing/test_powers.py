"""A power or an index stays apart from the number or the word that it stands at, in every format."""

from collections.abc import Callable

import docx
import pytest
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from pptx import Presentation
from pptx.util import Inches

from shared.parsing.raised import ScriptPosition, marked
from tests.documents.make import saved, xlsx_of
from tests.documents.routed import read, text_of
from tests.shared.parsing.test_open_documents import package, row, style, table

LINES: tuple[tuple[tuple[str, ScriptPosition], ...], ...] = (
    (("10", ""), ("6", "sup"), (" litres", "")),
    (("tank of 3 m", ""), ("3", "sup"), (", full", "")),
    (("10", ""), ("-", "sup"), ("4", "sup"), (" bar", "")),
    (("H", ""), ("2", "sub"), ("O and x", ""), ("i", "sub")),
    (("e", ""), ("x + 1", "sup"), (" and 1", ""), ("st", "sup")),
    (("log", ""), ("2 ", "sub"), ("of 8", "")),
)
READ = ["10^6 litres", "tank of 3 m^3, full", "10^-4 bar", "H2O and x_i", "e^(x + 1) and 1st", "log2 of 8"]
HEIGHTS = {"sup": "30000", "sub": "-25000"}
OPEN_STYLES = style("text", "sup", '<style:text-properties style:text-position="super 58%"/>')
OPEN_STYLES += style("text", "sub", '<style:text-properties style:text-position="-33% 58%"/>')


def word() -> bytes:
    document = docx.Document()
    for line in LINES:
        paragraph = document.add_paragraph()
        for text, script in line:
            run = paragraph.add_run(text)
            if script:
                setattr(run.font, f"{script}{'er' * (script == 'sup')}script", True)
    return saved(document)


def slides() -> bytes:
    show = Presentation()
    frame = show.slides.add_slide(show.slide_layouts[6]).shapes.add_textbox(*[Inches(1)] * 4).text_frame
    for line in LINES:
        paragraph = frame.add_paragraph()
        for text, script in line:
            run = paragraph.add_run()
            run.text = text
            if script:
                run._r.get_or_add_rPr().set("baseline", HEIGHTS[script])
    return saved(show)


def workbook() -> bytes:
    book = Workbook()
    fonts = {"sup": InlineFont(vertAlign="superscript"), "sub": InlineFont(vertAlign="subscript")}
    for line in LINES:
        runs = (TextBlock(fonts[script], text) if script else text for text, script in line)
        book.active.append([CellRichText(*runs)])
    return saved(book)


def shared_strings() -> bytes:
    """A workbook with its texts where Excel stores them."""
    look = '<rPr><vertAlign val="{}script"/></rPr>'
    looks = {"": "", "sup": look.format("super"), "sub": look.format("sub")}
    run = '<r>{}<t xml:space="preserve">{}</t></r>'
    items = ("".join(run.format(looks[script], text) for text, script in line) for line in LINES)
    cells = (f'<row r="{place + 1}"><c r="A{place + 1}" t="s"><v>{place}</v></c></row>' for place in range(len(LINES)))
    return xlsx_of("".join(cells), "".join(f"<si>{item}</si>" for item in items))


def open_lines() -> list[str]:
    span = '<text:span text:style-name="{1}">{0}</text:span>'
    return ["".join(span.format(*run) if run[1] else run[0] for run in line) for line in LINES]


def open_text() -> bytes:
    return package("text", "".join(f"<text:p>{line}</text:p>" for line in open_lines()), OPEN_STYLES)


def open_slides() -> bytes:
    lines = "".join(f"<text:p>{line}</text:p>" for line in open_lines())
    return package(
        "presentation",
        f"<draw:page><draw:frame><draw:text-box>{lines}</draw:text-box></draw:frame></draw:page>",
        OPEN_STYLES,
    )


def open_sheet() -> bytes:
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    return package("spreadsheet", table("T", *(row(cell.format(line)) for line in open_lines())), OPEN_STYLES)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a.docx", word),
        ("a.pptx", slides),
        ("a.xlsx", workbook),
        ("a.xlsx", shared_strings),
        ("a.odt", open_text),
        ("a.odp", open_slides),
        ("a.ods", open_sheet),
    ],
)
def test_a_power_is_a_power_in_every_format(name: str, make: Callable[[], bytes]) -> None:
    text = text_of(read(name, make()))
    assert [line for line in READ if line not in text] == []


def test_runs_side_by_side_are_one_power() -> None:
    assert marked([("x", ""), ("1", "sup"), ("0", "sup"), (" ", ""), ("2", "sup")]) == ["x", "^10", "", " ", "2"]
