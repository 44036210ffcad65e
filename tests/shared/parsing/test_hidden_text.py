"""What a reader of a page does not see is counted and not read."""

import pytest

from shared.parsing.light.parsers import parse_light
from shared.parsing.limits import ParsingLimits

HIDDEN = (
    ("", "<p style='display:none'>secret words</p>"),
    ("", "<div style='DISPLAY: none !important; display: block'><p>secret <b>words</b></p></div>"),
    ("", "<p hidden>secret words</p>"),
    ("", "<p style='visibility:hidden'>secret words</p>"),
    ("", "<p style='opacity:0.0'>secret words</p>"),
    ("", "<p style='font-size:0px'>secret words</p>"),
    ("", "<p style='font:0/0 a'>secret words</p>"),
    ("", "<p style='color:#fff'>secret words</p>"),
    ("", "<font color=white>secret words</font>"),
    ("", "<table bgcolor=#000080><tr><td>a</td><td style='color: rgb(0, 0, 128)'>secret words</td></tr></table>"),
    ("", "<p style='position:absolute; left:-9999px'>secret words</p>"),
    ("", "<p style='text-indent:-9999px'>secret words</p>"),
    ("", "<p style='position:absolute;clip:rect(0,0,0,0)'>secret words</p>"),
    ("", "<p style='clip-path: inset(100%)'>secret words</p>"),
    ("", "<p style='height:0;overflow:hidden'>secret words</p>"),
    ("", "<dialog>secret words</dialog>"),
    (".x{display:none}", "<p class='a x'>secret words</p>"),
    ("#x{display:none}", "<p id=x>secret words</p>"),
    ("aside > i, u{display:none}", "<aside><i>secret</i><u> words</u></aside>"),
    ("@media screen{/* a */div .x b{visibility:hidden}}", "<div><p class=x><b>secret words</b></p></div>"),
    ("[data-x]{display:none}", "<p data-x=1>secret words</p>"),
    ("p.x{display:none} .x{display:block}", "<p class=x>secret words</p>"),
)

VISIBLE = (
    ("@media print{.x{display:none}}", "<p class=x>open words</p>"),
    (".x{display:none} p.x{display:block}", "<p class=x>open words</p>"),
    (".x{display:none} .x{display:block}", "<p class=x>open words</p>"),
    (".x:hover{display:none} .x::before{color:#fff}", "<p class=x>open words</p>"),
    (".x > b{display:none}", "<p class=x><i><b>open words</b></i></p>"),
    ("", "<p hidden style='display:block'>open words</p>"),
    ("", "<p aria-hidden=true>open words</p>"),
    ("", "<div style='visibility:hidden'><p style='visibility:visible'>open words</p></div>"),
    ("", "<div style='font-size:0'><p style='font-size:12px'>open words</p></div>"),
    ("", "<div style='background:#036'><p style='color:white'>open words</p></div>"),
    ("", "<div style='background:url(a.png)'><p style='color:white'>open words</p></div>"),
    ("", "<p style='overflow:hidden;height:45px'>open words</p>"),
    ("", "<link rel=stylesheet href=dark.css><p style='color:#fff'>open words</p>"),
    ("@import url(dark.css);", "<p style='color:white'>open words</p>"),
    ("", "<details><summary>open</summary>words</details>"),
)


def read(sheet: str, markup: str) -> tuple[list[str], int]:
    page = f"<html><head><style>{sheet}</style></head><body><h1>Title</h1>{markup}<p>Last.</p></body></html>"
    document = parse_light("text/html", page.encode(), ParsingLimits())
    return " ".join(block.text for block in document.blocks).split(), document.hidden_words


@pytest.mark.parametrize(("sheet", "markup"), HIDDEN)
def test_text_that_a_page_hides_is_counted_and_not_read(sheet: str, markup: str) -> None:
    words, hidden = read(sheet, markup)
    assert not {"secret", "words"} & set(words) and words[0] == "Title" and words[-1] == "Last."
    assert hidden == 2


@pytest.mark.parametrize(("sheet", "markup"), VISIBLE)
def test_text_that_a_page_shows_is_read(sheet: str, markup: str) -> None:
    assert read(sheet, markup) == (["Title", "open", "words", "Last."], 0)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("10<sup>6</sup> litres", "10^6 litres"),
        ("2&times;10<sup>-3</sup> m<sup>2</sup>", "2×10^-3 m^2"),
        ("e<sup>x + 1</sup>", "e^(x + 1)"),
        ("H<sub>2</sub>O and x<sub>i</sub>", "H2O and x_i"),
        ("1<sup>st</sup> gate<sup>[3]</sup>", "1st gate[3]"),
        ("101<sub>2</sub>", "101_2"),
    ],
)
def test_a_power_does_not_become_digits_of_its_number(markup: str, text: str) -> None:
    document = parse_light("text/html", f"<p>{markup}</p>".encode(), ParsingLimits())
    assert document.blocks[0].text == text


def test_a_table_inside_a_cell_leaves_the_rows_around_it_whole() -> None:
    inner = "<table><tr><td>Yanma</td><td>30 kW</td></tr><tr><td>new</td></tr></table>"
    rows = f"<tr><th>Boat<th>Engine<th>Berth<tr><td>Seal<td>two {inner} motors<td>B4"
    (table,) = parse_light("text/html", f"<table>{rows}</table>".encode(), ParsingLimits()).blocks
    assert table.rows == (("Boat", "Engine", "Berth"), ("Seal", "two Yanma, 30 kW; new motors", "B4"))
