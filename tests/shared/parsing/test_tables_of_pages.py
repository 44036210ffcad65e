"""Tables of PDF pages are read by their rules and by the places of their words."""

import pytest
from reportlab.pdfgen.canvas import Canvas

from shared.parsing.document import Block
from shared.parsing.limits import ParsingLimits
from shared.parsing.paged.page_tables import add_tables
from shared.parsing.paged.rulings import Ruling
from shared.parsing.paged.slices import parse
from shared.parsing.paged.table_finder import find_tables
from shared.parsing.paged.table_grid import table_rows
from shared.parsing.paged.table_words import GridRow, TableWord
from shared.parsing.paged.text_blocks import TextPage
from shared.parsing.paged.text_layer import TextRun
from tests.shared.parsing import drawn

Cell = tuple[float, float, str]


def words(*cells: Cell) -> list[TableWord]:
    return [TableWord(text, (x, y, x + 5 * len(text), y + 10)) for x, y, text in cells]


def runs(*cells: Cell) -> list[TextRun]:
    return [TextRun(word.text, word.box, 10) for word in words(*cells)]


def rules(across: tuple[float, ...], down: tuple[float, ...]) -> list[Ruling]:
    left, right, top, bottom = down[0], down[-1], across[0], across[-1]
    return [Ruling(True, at, left, right) for at in across] + [Ruling(False, at, top, bottom) for at in down]


def rows_of(rulings: list[Ruling], *cells: Cell) -> list[tuple[GridRow, ...]]:
    return [table.rows for table in find_tables(runs(*cells), rulings)]


def test_a_cell_that_spans_rules_is_repeated_and_wrapped_lines_stay_in_their_row() -> None:
    grid = [*rules((0, 20, 60, 80), (0, 200)), Ruling(False, 100, 20, 80)]
    cells = [(60, 5, "Freight"), (5, 25, "ore"), (5, 40, "timber"), (110, 25, "860"), (110, 40, "tonnes")]
    cells += [(5, 65, "salt"), (110, 65, "9")]
    assert rows_of(grid, *cells) == [(("Freight", "Freight"), ("ore timber", "860 tonnes"), ("salt", "9"))]


def test_rows_of_figures_that_no_rule_divides_are_rows() -> None:
    grid = rules((0, 20, 50), (0, 60, 120, 180))
    cells = [(5, 5, "Pier"), (65, 5, "Ships"), (125, 5, "Dues"), (5, 30, "North")]
    cells += [(x, y, str(x + y)) for x in (65, 125) for y in (24, 36)]
    assert rows_of(grid, *cells) == [(("Pier", "Ships", "Dues"), ("North", "89", "149"), ("North", "101", "161"))]


def test_a_table_with_a_rule_below_its_header_alone_has_a_row_for_every_label() -> None:
    grid = rules((0, 20, 80), (0, 60, 120))
    cells = [(5, 5, "Pier"), (65, 5, "Depth")] + [
        (x, y, f"{name}{y}") for x, name in ((5, "n"), (65, "deep")) for y in (24, 40, 56)
    ]
    assert rows_of(grid, *cells) == [(("Pier", "Depth"), ("n24", "deep24"), ("n40", "deep40"), ("n56", "deep56"))]


def test_frames_around_columns_of_text_are_no_tables() -> None:
    text = " ".join(["harbour"] * 40)
    cells = [(5.0, 5.0, "North"), (5.0, 25.0, text), (305.0, 5.0, "South"), (305.0, 25.0, text)]
    found = [TextRun(word, (x, y, x + 20, y + 10), 10) for x, y, word in cells]
    assert find_tables(found, rules((0, 20, 40), (0, 300, 600))) == []


def test_a_drawing_of_connected_boxes_is_no_table() -> None:
    boxes = [*rules((0, 20), (0, 50)), *rules((10, 60), (40, 200)), *rules((50, 90), (100, 300))]
    assert rows_of(boxes, (5, 5, "keel"), (60, 30, "hull"), (150, 70, "mast"), (250, 70, "sail")) == []


def test_a_line_is_read_into_the_row_that_it_is_closest_to() -> None:
    rows = words(*((0, 40 * row + 15, f"name{row}") for row in range(3)))
    rows += words(*((100, 40 * row + line, f"text{row}") for row in range(3) for line in (10, 22)))
    assert table_rows(rows) == [(f"name{row}", f"text{row} text{row}") for row in range(3)]


def test_a_rule_above_a_total_makes_no_title_of_the_figures_above_it() -> None:
    cells = [(x, 20.0 * row, text) for row in range(4) for x, text in ((0, f"line{row}"), (200, "40"), (300, str(row)))]
    (rows,) = rows_of([Ruling(True, 51, 195, 320)], *cells)
    assert rows == tuple((f"line{row}", "40", str(row)) for row in range(4))


def test_titles_of_two_lines_are_one_header() -> None:
    cells = [(100, 0, "Mean depth"), (200, 0, "In use"), (0, 6, "Pier"), (100, 12, "in metres"), (200, 12, "since")]
    cells += [(x, 40 + 20 * row, text) for row in range(3) for x, text in ((0, f"pier{row}"), (100, "4"), (200, "9"))]
    (table,) = find_tables(runs(*cells), [], [(0, -2, 300, 120)])
    assert table.rows[0] == ("Pier", "Mean depth in metres", "In use since")


def test_rows_beside_the_region_of_layout_analysis_belong_to_its_table() -> None:
    cells = [(x, 20.0 * row, f"{x}.{row}") for row in range(5) for x in (10, 110, 210)]
    (table,) = find_tables(runs(*cells), [], [(0, 15, 300, 55)])
    assert len(table.rows) == 5


def test_lines_of_a_cell_that_read_like_a_paragraph_stay_in_their_row() -> None:
    line = "a long text that goes on"
    cells = [(0, 0, "Name"), (60, 0, "Duty"), (240, 0, "Hours")]
    for row in range(3):
        cells += [(0, 20 + 50 * row, f"Ada{row}"), (240, 20 + 50 * row, "4")]
        cells += [(60, 20 + 50 * row + 12 * part, line) for part in range(3)]
    (rows,) = rows_of([], *cells)
    assert rows[1:] == tuple((f"Ada{row}", " ".join([line] * 3), "4") for row in range(3))


def test_addresses_and_contents_are_no_tables() -> None:
    pages = enumerate((1, 3, 9, 12))
    contents = [(x, 20.0 * row, text) for row, at in pages for x, text in ((0, f"part{row}"), (300, str(at)))]
    assert rows_of([], *contents) == []
    parts = ((0, "Port"), (200, "Line"))
    assert rows_of([], *((x, 15.0 * row, text) for row in range(4) for x, text in parts)) == []


def test_a_table_takes_the_place_of_the_blocks_that_held_its_words() -> None:
    cells = [(x, y, f"{x}at{y}") for x in (10, 110) for y in (105, 125)]
    page = TextPage(
        runs((10, 85, "above"), *cells, (10, 145, "below")), 600, 800, rulings=rules((100, 120, 140), (0, 100, 200))
    )
    whole = Block("paragraph", "above 10at105 … below", page=1, box=(0, 0, 1, 0.5))
    after = Block("paragraph", "the next column", page=1, box=(0.5, 0.1, 1, 0.5))
    read = add_tables([whole, after], page, 1, 10)
    assert [block.text for block in read if block.kind != "table"] == ["above", "below", "the next column"]
    assert read[1].rows == (("10at105", "110at105"), ("10at125", "110at125"))


def test_a_list_that_layout_analysis_calls_a_table_is_text() -> None:
    items = [(x, y, text) for y in (100, 120, 140) for x, text in ((10, "►"), (30, f"grease the crane at {y}"))]
    rows = tuple(("SM590000", f"grease the crane at {y}") for y in (100, 120, 140))
    table = Block("table", "", rows=rows, page=1, box=(0, 0.1, 1, 0.2))
    read = add_tables([table], TextPage(runs(*items), 600, 800), 1, 10)
    assert {block.kind for block in read} == {"paragraph"}
    assert "grease the crane at 140" in read[-1].text


def test_sideways_titles_of_a_ruled_table_are_its_header() -> None:
    def draw(canvas: Canvas) -> None:
        for at in (200, 300, 330, 360):
            canvas.line(72, at, 372, at)
        for at in (72, 232, 302, 372):
            canvas.line(at, 200, at, 360)
        for across, title in ((262, "No entry"), (332, "Dues")):
            canvas.saveState()
            canvas.translate(across, 205)
            canvas.rotate(90)
            canvas.drawString(0, 0, title)
            canvas.restoreState()
        canvas.drawString(80, 210, "Pier and quay of the harbour"[:18])
        for y, name in ((310, "North pier"), (340, "South pier")):
            canvas.drawString(80, y, name)
            canvas.drawString(250, y, "yes")
            canvas.drawString(320, y, "40")
        drawn.lines("The piers of the harbour and what they cost.", top=60)(canvas)

    def upside(canvas: Canvas) -> None:
        canvas.translate(0, 200)
        draw(canvas)

    document = parse("application/pdf", "a.pdf", drawn.pdf(upside), ParsingLimits(page_seconds=600))
    (table,) = [block for block in document.blocks if block.kind == "table"]
    assert ("Pier and quay of t", "No entry", "Dues") in table.rows
    assert " ".join(block.text for block in document.blocks).count("Dues") == 1


def laid_out(*rows: GridRow, step: float = 16) -> list[Cell]:
    """The cells of a table whose first column begins, and whose other columns end, at one place each."""
    return [
        (90.0 * across + (60 - 5 * len(text) if across else 0), step * down, text)
        for down, row in enumerate(rows)
        for across, text in enumerate(row)
        if text
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [("", "Spring", "Autumn"), ("Hulls", "12", "31"), ("Masts", "", "8"), ("Sails", "45", "70")],
        [("", "2025"), ("Hulls", "12"), ("Masts", "14"), ("Sails", "45")],
        [("Part", "Spring", ""), ("Hulls", "12", "31"), ("Masts", "14", "8"), ("Sails", "45", "70")],
        [
            ("", "", "2024", "2025"),
            ("North", "Hulls", "12", "31"),
            ("", "Masts", "14", "8"),
            ("South", "Sails", "4", "7"),
        ],
        [("Item", "Jan", "Feb", "Mar"), ("Hulls", "", "3", ""), ("Masts", "7", "", ""), ("Sails", "", "", "9")],
        [("", "2024", "2025"), ("Ferries", "EUR 1,204", "EUR 1,310"), ("Tugs", "–", "EUR 88"), ("", "9", "8")],
    ],
)
def test_a_table_without_rules_may_leave_cells_of_its_first_row_or_column_empty(rows: list[GridRow]) -> None:
    assert rows_of([], *laid_out(*rows)) == [tuple(rows)]


def test_titles_of_two_lines_over_the_figures_alone_belong_to_their_table() -> None:
    cells = [*laid_out(("", "First", "Second"), ("", "quarter", "quarter"), step=11)]
    cells += [
        (x, 14 + y, text)
        for x, y, text in laid_out(("", "", ""), ("Hulls", "12", "31"), ("Masts", "1", "8"), ("Sails", "4", "7"))
    ]
    (rows,) = rows_of([], *cells)
    assert rows[0] == ("", "First quarter", "Second quarter") and len(rows) == 4


def test_a_table_that_layout_analysis_sees_a_part_of_is_read_whole() -> None:
    cells = laid_out(("Pier", "Ships", "Dues", "Crew"), *((f"pier{row}", "4", "9", "7") for row in range(3)))
    (table,) = find_tables(runs(*cells), [], [(-2, 14, 160, 60)])
    assert [len(row) for row in table.rows] == [4] * 4
    (table,) = find_tables(runs(*cells), [], [(-2, -2, 160, 60), (170, -2, 340, 60)])
    assert [len(row) for row in table.rows] == [4] * 4


def test_text_beside_a_table_whose_lines_are_not_level_does_not_divide_it() -> None:
    cells = laid_out(("Pier", "Ships", "Dues"), *((f"pier{row}", "4", "9") for row in range(5)))
    beside = [(400.0, 13.0 * line + 4, "a long line of text that stands beside the table") for line in range(7)]
    (rows,) = rows_of([], *cells, *beside)
    assert len(rows) == 6
