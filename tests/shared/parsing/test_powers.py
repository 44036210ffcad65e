"""A power or an index stays apart from the number or the word that it stands at, in every format."""

from collections.abc import Callable, Iterable

import docx
import pytest
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from pptx import Presentation
from pptx.util import Inches
from reportlab.pdfgen.canvas import Canvas

from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.slices import parse as parse_pages
from shared.parsing.raised import ScriptPosition, marked
from tests.documents.make import saved, xlsx_of
from tests.documents.routed import read, text_of
from tests.shared.parsing.drawn import pdf
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


def drawn_runs(canvas: Canvas, x: float, y: float, runs: Iterable[tuple[str, ScriptPosition]]) -> None:
    for text, script in runs:
        size, rise = (8, {"sup": 5, "sub": -3}[script]) if script else (12, 0)
        canvas.setFont("Helvetica", size)
        canvas.drawString(x, y + rise, text)
        x += canvas.stringWidth(text, "Helvetica", size)


def test_powers_of_a_page_are_no_digits_of_its_numbers() -> None:
    lines: tuple[tuple[tuple[str, ScriptPosition], ...], ...] = (
        (("The tank of 106 tonnes holds 10", ""), ("6", "sup"), (" litres of CO", ""), ("2", "sub"), (".", "")),
        (
            ("On 40 m", ""),
            ("2", "sup"),
            (" at 10", ""),
            ("-4", "sup"),
            (" bar since 1901", ""),
            ("3", "sup"),
            (".", ""),
        ),
        (("By the law", ""), ("2)", "sup"), (" of the 1", ""), ("st", "sup"), (" of May.", "")),
    )

    def draw(canvas: Canvas) -> None:
        for place, line in enumerate(lines):
            drawn_runs(canvas, 72, 700 - 14 * place, line)

    text = " ".join(block.text for block in parse_pages("application/pdf", "a.pdf", pdf(draw), ParsingLimits()).blocks)
    tank, area, law = (
        "The tank of 106 tonnes holds 10^6 litres of CO2.",
        "On 40 m^2 at 10^-4 bar since 1901^3.",
        "By the law^2)",
    )
    assert text == f"{tank} {area} {law} of the 1st of May."


def test_a_note_at_a_figure_of_a_printed_table_is_no_digit_of_it() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.grid([72, 200, 330, 460], [640, 664, 688, 712])
        cells = [("Boat", "Price", "Hold"), ("Orca", "1,200", "40 m"), ("Seal", "1,350", "55 m")]
        for place, (name, price, hold) in enumerate(cells):
            note, power = ("1", "3") if place else ("", "")
            drawn_runs(canvas, 80, 696 - 24 * place, [(name, "")])
            drawn_runs(canvas, 210, 696 - 24 * place, [(price, ""), (note, "sup")])
            drawn_runs(canvas, 340, 696 - 24 * place, [(hold, ""), (power, "sup")])

    blocks = parse_pages("application/pdf", "a.pdf", pdf(draw), ParsingLimits()).blocks
    assert [block.rows for block in blocks] == [
        (("Boat", "Price", "Hold"), ("Orca", "1,200^1", "40 m^3"), ("Seal", "1,350^1", "55 m^3"))
    ]
