"""What a reader of a page does not see is counted and not read."""

import json

import pytest

from shared.parsing.light.parsers import parse_light
from shared.parsing.limits import ParsingLimits
from tests.documents.make import zipped

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
    ("", "<p style='color:transparent'>secret words</p>"),
    ("", "<p style='-webkit-text-fill-color: transparent'>secret words</p>"),
    ("", "<p style='color:hsl(0, 0%, 100%)'>secret words</p>"),
    ("", "<p style='font-size:1px'>secret words</p>"),
    ("", "<p style='font-size:.05em'>secret words</p>"),
    ("", "<p style='transform: translateX(-9999px)'>secret words</p>"),
    ("", "<p style='transform: rotate(0) scale(0, 1)'>secret words</p>"),
    ("", "<p style='position:relative;left:-9999px'>secret words</p>"),
    ("", "<p style='filter:opacity(0)'>secret words</p>"),
    ("", "<p style='max-width:0;overflow-x:hidden'>secret words</p>"),
    ("", "<div popover>secret words</div>"),
    ("", "<iframe style='display:none' srcdoc='secret words'></iframe>"),
    ("", "<iframe srcdoc='<p hidden>secret words</p>'></iframe>"),
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
    ("", "<p style='color:transparent;background-clip:text'>open words</p>"),
    ("", "<p style='color:hsl(0,50%,50%);font-size:10px;transform:translateX(-50%)'>open words</p>"),
    ("", "<p style='font-size:.9em;filter:opacity(0.5)'>open words</p>"),
    ("", "<details><summary>open</summary>words</details>"),
    ("", "<iframe srcdoc='open words'></iframe>"),
    ("</style><style media=print>.x{display:none}", "<p class=x>open words</p>"),
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


def test_a_table_inside_a_cell_leaves_the_rows_around_it_whole() -> None:
    inner = "<table><tr><td>Yanma</td><td>30 kW</td></tr><tr><td>new</td></tr></table>"
    rows = f"<tr><th>Boat<th>Engine<th>Berth<tr><td>Seal<td>two {inner} motors<td>B4"
    (table,) = parse_light("text/html", f"<table>{rows}</table>".encode(), ParsingLimits()).blocks
    assert table.rows == (("Boat", "Engine", "Berth"), ("Seal", "two Yanma, 30 kW; new motors", "B4"))


CSS = ".x{display:none}"
PAGE = (
    '<html><head><link rel="stylesheet" href="{}"/></head>'
    '<body><p>open words</p><p class="x">secret words</p><p style="color:#fff">white ones</p></body></html>'
)
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><title>Feed</title><entry><title>Entry</title>{}</entry></feed>'
WEB = 'xmlns="http://www.w3.org/1999/xhtml"'


def book(files: dict[str, str]) -> bytes:
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest>'
        '<item id="a" href="text/a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    container = '<container><rootfiles><rootfile full-path="OPS/c.opf"/></rootfiles></container>'
    return zipped({"META-INF/container.xml": container, "OPS/c.opf": package, **files})


def related(page: str, sheet_head: str, *, head: str = "MIME-Version: 1.0") -> bytes:
    parts = [
        f"Content-Type: text/html\nContent-Location: https://a.example/d/p.html\n\n{page}",
        f"Content-Type: text/css\n{sheet_head}\n\n{CSS}",
    ]
    body = "".join(f"--q\n{part}\n" for part in parts)
    return f'{head}\nContent-Type: multipart/related; boundary="q"\n\n{body}--q--\n'.encode()


BOOKS = {
    "beside the page": {"OPS/text/a.xhtml": PAGE.format("../css/s%20a.css"), "OPS/css/s a.css": CSS},
    "imported": {
        "OPS/text/a.xhtml": PAGE.format("s.css"),
        "OPS/text/s.css": '@import url("../i.css");p{margin:0}',
        "OPS/i.css": CSS,
    },
}
SAVED = {
    "by its place": related(PAGE.format("../s.css"), "Content-Location: https://a.example/s.css"),
    "by its number": related(PAGE.format("cid:one"), "Content-ID: <one>"),
    "of a mail": related(PAGE.format("cid:one"), "Content-ID: <one>", head="From: a@b.example\nMIME-Version: 1.0"),
}
LINKED = {
    **{name: ("application/epub+zip", book(files)) for name, files in BOOKS.items()},
    **{name: ("multipart/related", content) for name, content in SAVED.items()},
}


@pytest.mark.parametrize("name", LINKED)
def test_a_style_sheet_that_came_with_a_page_hides_what_it_hides(name: str) -> None:
    document = parse_light(*LINKED[name], ParsingLimits())
    assert document.blocks[-1].text == "open words"
    assert document.hidden_words == 4


def test_a_style_sheet_that_is_not_here_may_set_any_background() -> None:
    content = book({"OPS/text/a.xhtml": PAGE.format("away.css")})
    document = parse_light("application/epub+zip", content, ParsingLimits())
    assert [block.text for block in document.blocks] == ["open words", "secret words", "white ones"]


HIDING = (
    (
        "application/xml",
        ATOM.format(f'<content type="xhtml"><div {WEB}>open <p hidden="">secret words</p></div></content>'),
    ),
    ("application/xml", ATOM.format('<summary type="html">open&lt;p hidden&gt;secret words&lt;/p&gt;</summary>')),
    ("application/xml", f'<doc><p>open <b {WEB} style="display:none">secret words</b></p></doc>'),
    ("application/json", json.dumps({"items": [{"id": "1", "content_html": "<b>open</b><p hidden>secret words</p>"}]})),
    ("application/json", json.dumps({"content": {"rendered": "open<p style='opacity:0'>secret words</p>"}})),
    ("text/markdown", "open <span style='display:none'>secret words</span>"),
    ("text/markdown", "<div hidden>\n\nsecret *words*\n\n</div>\n\nopen"),
    ("text/markdown", "<div hidden>\n\n- secret\n\n```\nwords\n```\n\n</div>\n\nopen"),
    ("text/markdown", "<style>.g{display:none}</style>\n\n<p class=g>secret words</p>\n\nopen"),
    ("text/markdown", "| open |\n|---|\n| <b hidden>secret words</b> |"),
)


@pytest.mark.parametrize(("media_type", "text"), HIDING)
def test_html_inside_of_other_formats_hides_what_it_hides(media_type: str, text: str) -> None:
    document = parse_light(media_type, text.encode(), ParsingLimits())
    words = " ".join(block.text for block in document.blocks)
    assert "open" in words and "secret" not in words and "words" not in words
    assert document.hidden_words == 2
