"""Links of cells, headers and footers of pages, charts and times of sheets are read as they are shown."""

import struct

import pytest
from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference

from shared.parsing.dispatch import parse
from shared.parsing.limits import ParsingLimits
from shared.parsing.number_formats import formatted
from shared.parsing.page_numbers import coded_lines, is_page_number
from tests.documents.make import saved
from tests.documents.routed import read, text_of
from tests.shared.parsing.test_old_workbooks import at, record, shared, workbook
from tests.shared.parsing.test_open_documents import package, row, table, words

ADDRESS = "https://tides.example.org/a"
PAGE = "Page &P of &N"


@pytest.mark.parametrize("is_large", [False, True])
def test_links_and_the_headers_of_pages_are_read_of_a_workbook(is_large: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if is_large:
        monkeypatch.setattr("shared.parsing.docling.sheets.MOST_CELLS", 1)
    book = Workbook()
    sheet = book.active
    for line in (["Quay", "Table"], ["North", "Tides"], ["South", f'=HYPERLINK("{ADDRESS}","Winds")']):
        sheet.append(line)
    sheet["B2"].hyperlink = ADDRESS
    sheet.oddHeader.left.text, sheet.oddHeader.right.text = "Order 4711", "Q&&A"
    sheet.oddFooter.center.text, sheet.evenFooter.center.text = PAGE, "never printed"
    again = book.create_sheet("Again")
    again.append(["Rope", "Tar"])
    again.oddHeader.left.text = "Order 4711"
    text = text_of(read("a.xlsx", saved(book)))
    assert f"Tides ({ADDRESS})" in text and f"Winds ({ADDRESS})" in text and "Q&A" in text
    assert text.count("4711") == 1 and "Page" not in text and "printed" not in text


def test_links_and_the_headers_of_pages_are_read_of_an_open_sheet() -> None:
    link = f'<text:a xlink:href="{ADDRESS}">Tides</text:a>'
    formula = f"of:=HYPERLINK(&quot;{ADDRESS}&quot;;&quot;Winds&quot;)"
    made = words("Winds").replace("string", f'string" table:formula="{formula}', 1)
    body = table("T", row(words("Quay"), words("Table")), row(words(link), made), more='table:style-name="t"')
    styles = '<style:style style:family="table" style:name="t" style:master-page-name="Used"/>'
    header = "<style:header><style:region-left><text:p>4711</text:p></style:region-left></style:header>"
    header += "<style:footer><text:p>Page <text:page-number>1</text:page-number></text:p></style:footer>"
    masters = f'<style:master-page style:name="Used">{header}</style:master-page>'
    unused = "<style:header><text:p>unused</text:p></style:header>"
    masters += f'<style:master-page style:name="Report">{unused}</style:master-page>'
    content = package("spreadsheet", body, styles, f"<office:master-styles>{masters}</office:master-styles>")
    text = text_of(read("a.ods", content))
    assert f"Tides ({ADDRESS})" in text and f"Winds ({ADDRESS})" in text
    assert "4711" in text and "Page" not in text and "unused" not in text


def test_links_and_the_headers_of_pages_are_read_of_an_old_workbook() -> None:
    address = (ADDRESS + "\0").encode("utf-16-le")
    moniker = bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b") + struct.pack("<I", len(address)) + address
    link = record(0x1B8, struct.pack("<HHHH", 1, 1, 0, 0) + bytes(24) + moniker)
    text = ADDRESS.encode()
    code = b"\x17" + struct.pack("<BB", len(text), 0) + text + b"\x42\x02\x67\x01"
    formula = record(0x06, at(1, 1) + b"\0\0\0\0\0\0\xff\xff" + bytes(6) + struct.pack("<H", len(code)) + code)
    cells = shared(0, 0, 0) + shared(1, 0, 1) + shared(2, 1, 0) + formula + record(0x207, b"\x02\0\0ok") + link
    for kind, line in ((0x14, b'&L&"Arial,Bold"&12Order 4711'), (0x15, b"&CPage &P")):
        cells += record(kind, struct.pack("<HB", len(line), 0) + line)
    document = parse("legacy", "application/vnd.ms-excel", "a.xls", workbook(("Oslo", 0, cells)), ParsingLimits())
    assert [block.rows or block.text for block in document.blocks] == [
        "Oslo",
        (("Region", "Share"), (f"Größe ({ADDRESS})", f"ok ({ADDRESS})")),
        "Order 4711",
    ]


def test_a_formula_of_an_open_sheet_names_its_cells_plainly() -> None:
    formula = '<table:table-cell table:formula="of:=SUM([.C3:.C4];[$Fees.A1:.B2])"/>'
    text = text_of(read("a.ods", package("spreadsheet", table("T", row(words("Sum"), formula)))))
    assert "=SUM(C3:C4;$Fees.A1:B2)" in text


def test_the_title_of_an_axis_is_read_once() -> None:
    book = Workbook()
    for line in (["Quay", "Tonnes"], ["North", 3]):
        book.active.append(line)
    chart = BarChart()
    chart.x_axis.title, chart.y_axis.title = "harbours", "kilotonnes"
    chart.add_data(Reference(book.active, min_col=2, min_row=1, max_row=2), titles_from_data=True)
    chart.set_categories(Reference(book.active, min_col=1, min_row=2))
    book.active.add_chart(chart, "E5")
    text = text_of(read("a.xlsx", saved(book)))
    assert (text.count("harbours"), text.count("kilotonnes")) == (1, 1)


def test_times_have_their_fractions_and_the_words_around_them() -> None:
    cases = [
        (75.5 / 86_400, "mm:ss.0", "01:15.5"),
        (59.96 / 86_400, "mm:ss.0", "01:00.0"),
        (1.5, '[h]"h "mm"m"', "36h 00m"),
        (100.25, "[h]:mm", "2406:00"),
        (61.25 / 86_400, "[s].00", "61.25"),
        (45000.0, "dd.mm.yyyy", "15.03.2023"),
    ]
    assert [formatted(value, code) for value, code, _ in cases] == [text for _, _, text in cases]


def test_only_the_numbers_of_pages_are_left_out_of_headers() -> None:
    assert [line for line in ("Page 3 of 12", "Seite", "p. / ", "") if not is_page_number(line)] == []
    assert not any(map(is_page_number, ("4711", "3 / 12", "Page 3 of the rules", "P 12")))
    assert coded_lines('&L&"Arial,Bold"&12Rules &K01+000A&&B&RRev. 3&D&CPage &P of &N') == ["Rules A&B", "Rev. 3"]
