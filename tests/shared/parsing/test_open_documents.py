"""What is seen in a document of OpenDocument is read as it is shown, what is hidden is counted and not read."""

import re
import zipfile
from io import BytesIO
from xml.etree import ElementTree

import pytest

from shared.parsing.dispatch import parse
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from tests.documents.routed import text_of

OPEN = "application/vnd.oasis.opendocument"
NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{long}:1.0"'
    for name, long in (
        *((name, name) for name in ("office", "style", "text", "table", "presentation", "chart")),
        *(("draw", "drawing"), ("fo", "xsl-fo-compatible"), ("svg", "svg-compatible"), ("number", "datastyle")),
    )
)
NAMES += ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:math="http://www.w3.org/1998/Math/MathML"'
HIDDEN_STYLES = {
    "gone": '<style:text-properties text:display="none"/>',
    "white": '<style:text-properties fo:color="#ffffff"/>',
    "tiny": '<style:text-properties fo:font-size="1pt"/>',
}


def style(family: str, name: str, properties: str, parent: str = "") -> str:
    based = f' style:parent-style-name="{parent}"' if parent else ""
    return f'<style:style style:family="{family}" style:name="{name}"{based}>{properties}</style:style>'


def package(kind: str, body: str, styles: str = "", common: str = "", **parts: str) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", f"{OPEN}.{kind}")
        inner = f"<office:body><office:{kind}>{body}</office:{kind}></office:body>"
        automatic = f"<office:automatic-styles>{styles}</office:automatic-styles>"
        archive.writestr(
            "content.xml", f"<office:document-content {NAMES}>{automatic}{inner}</office:document-content>"
        )
        archive.writestr("styles.xml", f"<office:document-styles {NAMES}>{common}</office:document-styles>")
        for name, part in parts.items():
            archive.writestr(f"{name}/content.xml", part)
        manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
        archive.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{manifest}"/>')
    return file.getvalue()


def read(kind: str, content: bytes) -> ParsedDocument:
    return parse("docling", f"{OPEN}.{kind}", f"a.{kind}", content, ParsingLimits())


DELETED = "<text:tracked-changes><text:changed-region><text:deletion><text:p>secret words</text:p></text:deletion>"
DELETED += "</text:changed-region></text:tracked-changes>"


@pytest.mark.parametrize(
    "hidden",
    [
        *(
            f'<text:p>open <text:span text:style-name="{name}">secret words</text:span></text:p>'
            for name in HIDDEN_STYLES
        ),
        '<text:p text:style-name="based">secret words</text:p>',
        '<text:section text:name="a" text:display="none"><text:p>secret words</text:p></text:section>',
        '<text:p><text:hidden-paragraph text:condition="1" text:is-hidden="true"/>secret words</text:p>',
        DELETED,
        '<table:table table:name="T"><table:table-row><table:table-cell table:style-name="blue"><text:p>'
        '<text:span text:style-name="blue">secret words</text:span></text:p></table:table-cell></table:table-row>'
        "</table:table>",
    ],
)
def test_text_that_nobody_sees_is_counted_and_not_read(hidden: str) -> None:
    styles = "".join(style("text", name, properties) for name, properties in HIDDEN_STYLES.items())
    styles += style("paragraph", "based", "", "note") + style(
        "text", "blue", '<style:text-properties fo:color="#0000ff"/>'
    )
    styles += style("table-cell", "blue", '<style:table-cell-properties fo:background-color="#0000f8"/>')
    common = f"<office:styles>{style('paragraph', 'note', HIDDEN_STYLES['gone'])}</office:styles>"
    document = read("text", package("text", f"{hidden}<text:p>Seen.</text:p>", styles, common))
    assert "secret" not in (text := text_of(document)) and "words" not in text and "Seen." in text
    assert document.hidden_words == 2


def test_white_text_on_a_dark_ground_is_read() -> None:
    styles = style("text", "white", HIDDEN_STYLES["white"])
    styles += style("paragraph", "dark", '<style:paragraph-properties fo:background-color="#003366"/>')
    body = '<text:p text:style-name="dark"><text:span text:style-name="white">open words</text:span></text:p>'
    document = read("text", package("text", body, styles))
    assert text_of(document) == "open words" and document.hidden_words == 0


def test_boxes_headers_readings_and_formulas_of_a_text_are_read_in_their_place() -> None:
    box = "<draw:frame><draw:text-box><text:p>Boxed words.</text:p></draw:text-box></draw:frame>"
    math = "<math:math><math:mfrac><math:mi>a</math:mi><math:mi>b</math:mi></math:mfrac></math:math>"
    formula = '<draw:frame><draw:object xlink:href="./Object1"/></draw:frame>'
    ruby = "<text:ruby><text:ruby-base>京都</text:ruby-base><text:ruby-text>きょうと</text:ruby-text></text:ruby>"
    body = f"<text:p>First {box}line.</text:p><text:p>Share is {formula}here.</text:p><text:p>{ruby}</text:p>"
    header = "<style:header><text:p>Policy HR-207</text:p></style:header>"
    header += "<style:footer><text:p>Page <text:page-number>1</text:page-number></text:p></style:footer>"
    common = (
        f'<office:master-styles><style:master-page style:name="S">{header}</style:master-page></office:master-styles>'
    )
    math = math.replace("<math:math", f"<math:math {NAMES}")
    text = text_of(read("text", package("text", body, "", common, Object1=math)))
    lines = [" ".join(line.split()) for line in text.split("\n")]
    assert lines == ["Policy HR-207", "First line.", "Boxed words.", "Share is a/b here.", "京都（きょうと）"]


def cell(kind: str, value: str, view: str = "", more: str = "") -> str:
    stored = f'office:{"value" if kind in {"float", "percentage", "currency"} else f"{kind}-value"}="{value}"'
    text = f"<text:p>{view}</text:p>" if view else ""
    return f'<table:table-cell office:value-type="{kind}" {stored} {more}>{text}</table:table-cell>'


def words(text: str) -> str:
    return f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>'


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


def table(name: str, *rows: str, more: str = "") -> str:
    return f'<table:table table:name="{name}" {more}>{"".join(rows)}</table:table>'


def test_cells_are_read_as_they_are_shown_and_hidden_ones_are_counted() -> None:
    columns = '<table:table-column table:number-columns-repeated="3"/><table:table-column table:visibility="collapse"/>'
    formula = '<table:table-cell table:formula="of:=[.B2]*2"/>'
    quarter, price = cell("percentage", "0.25", "25.00 %"), cell("currency", "1234.5", "€ 1.234,50")
    oslo = table(
        "Oslo",
        columns,
        row(words("Region"), words("Share"), words("Net"), words("secret")),
        row(words("North"), quarter, price, words("x")),
        row(words("South"), cell("percentage", "0.5"), cell("date", "2026-03-04", "4. März 2026"), words("x")),
        row(words("Total"), formula, cell("float", "7", "007"), words("x")),
        row(words("Old secret"), cell("float", "1", "1"), more='table:visibility="collapse"'),
        row(words("Filtered"), cell("float", "2", "2"), cell("float", "3", "3"), more='table:visibility="filter"'),
    )
    hidden = table("Archive", row(words("secret sheet")), more='table:style-name="off"')
    styles = style("table", "off", '<style:table-properties table:display="false"/>')
    document = read("spreadsheet", package("spreadsheet", oslo + hidden + table("Bergen", row(words("Ferry"))), styles))
    rows = next(block.rows for block in document.blocks if block.rows)
    assert rows[:4] == (
        ("Region", "Share", "Net"),
        ("North", "25.00 %", "€ 1.234,50"),
        ("South", "50%", "4. März 2026"),
        ("Total", "=B2*2", "007"),
    )
    text = text_of(document)
    assert "secret" not in text and "Archive" not in text and "Filtered" in text and "Bergen" in text
    assert document.hidden_words == 4 + 3 + 2


def test_slides_are_read_as_they_are_shown() -> None:
    def slide(name: str, text: str, more: str = "") -> str:
        box = f'<draw:frame {more} svg:x="1cm" svg:y="1cm" svg:width="9cm" svg:height="2cm"><draw:text-box>{text}'
        return f'<draw:page draw:name="{name}" draw:style-name="{name}">{box}</draw:text-box></draw:frame></draw:page>'

    white = '<text:p><text:span text:style-name="white">{}</text:span></text:p>'
    styles = style("text", "white", HIDDEN_STYLES["white"])
    styles += style("drawing-page", "b", '<style:drawing-page-properties draw:fill="solid" draw:fill-color="#003366"/>')
    styles += style("drawing-page", "c", '<style:drawing-page-properties presentation:visibility="hidden"/>')
    styles += style("graphic", "dark", '<style:graphic-properties draw:fill="solid" draw:fill-color="#102030"/>')
    body = slide("a", f"<text:p>Seen.</text:p>{white.format('secret words')}") + slide("b", white.format("open one"))
    body += slide("c", "<text:p>secret slide</text:p>")
    body += slide("d", white.format("open two"), 'draw:style-name="dark"')
    document = read("presentation", package("presentation", body, styles))
    text = text_of(document)
    assert "secret" not in text and document.hidden_words == 4
    assert [each for each in ("Seen.", "open one", "open two") if each not in text] == []


@pytest.mark.parametrize("kind", ["text", "spreadsheet", "presentation"])
def test_every_word_of_the_package_is_read(kind: str) -> None:
    """The independent reader takes every text of the content, whatever holds it."""
    inner = table("T", row(words("inner one"), words("inner two")))
    items = "<text:list><text:list-item><text:p>Item one</text:p><text:list><text:list-item><text:p>Deeper</text:p>"
    items += "</text:list-item></text:list></text:list-item></text:list>"
    shape = "<draw:custom-shape><text:p>Shape words</text:p></draw:custom-shape>"
    note = '<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body>'
    note += "<text:p>Note words</text:p></text:note-body></text:note>"
    if kind == "text":
        body = f"<text:h text:outline-level='2'>Cranes</text:h><text:p>Lifts{note} <text:s/>loads {shape}.</text:p>"
        body += (
            f"{items}{table('U', row(words('cell'), f'<table:table-cell>{inner}{items}</table:table-cell>'))}{shape}"
        )
        body += "<text:section><text:p>Section</text:p></text:section><text:p>a<text:line-break/>b<text:tab/>c</text:p>"
    elif kind == "spreadsheet":
        noted = "<table:table-cell><office:annotation><text:p>Comment words</text:p></office:annotation>"
        body = table(
            "One", row(words("Ferry"), noted + "<text:p>Price</text:p></table:table-cell>"), row(words("Tern"))
        )
        body += table("Two", f"<table:shapes>{shape}</table:shapes>", row(words("Last")))
    else:
        frame = "<draw:frame><draw:text-box><text:p>Title words</text:p>{}</draw:text-box></draw:frame>"
        notes = "<presentation:notes><draw:frame><draw:text-box><text:p>Spoken</text:p></draw:text-box></draw:frame>"
        body = (
            f'<draw:page draw:name="p">{frame.format(items)}{shape}<draw:g>{shape.replace("Shape", "Grouped")}</draw:g>'
        )
        body += f"<draw:frame>{inner}</draw:frame>{notes}</presentation:notes></draw:page>"
    content = package(kind, body)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        holder = ElementTree.fromstring(archive.read("content.xml")).find(".//{*}body")
    assert holder is not None
    stored = set(re.findall(r"[^\W\d]\w*", " ".join(holder.itertext())))
    document = read(kind, content)
    assert stored - set(re.findall(r"\w+", text_of(document))) == set()
    assert 0 < document.words_in == document.words_out


def numbered(level: int, **attributes: str) -> str:
    written = "".join(f' {name.replace("_", ":", 1).replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text:list-level-style-number text:level="{level}"{written}/>'


def listed(*items: str, attributes: str = 'text:style-name="L"') -> str:
    return (
        f"<text:list {attributes}>{''.join(f'<text:list-item>{item}</text:list-item>' for item in items)}</text:list>"
    )


def paragraph(text: str) -> str:
    return f"<text:p>{text}</text:p>"


ARTICLES = numbered(1, style_num_format="I", style_num_prefix="Article ", style_num_suffix=".")
ARTICLES += numbered(2, style_num_format="a", style_num_prefix="(", style_num_suffix=")")
CLAUSES = numbered(1, style_num_format="1", style_num_suffix=".")
CLAUSES += numbered(2, style_num_format="1", style_num_suffix=".", text_display_levels="2")
LATER = numbered(1, style_num_format="1", style_num_suffix=".", text_start_value="7")
WHOLE = numbered(1, style_num_format="A", style_num_list_format="Annex %1%:")
GO_ON = 'text:style-name="L" text:continue-numbering="true"'
INNER = listed(paragraph("b"), paragraph("c"), attributes="")


@pytest.mark.parametrize(
    ("levels", "body", "seen"),
    [
        (ARTICLES, listed(paragraph("a") + INNER, paragraph("d")), ["Article I. a", "(a) b", "(b) c", "Article II. d"]),
        (CLAUSES, listed(paragraph("a") + INNER, paragraph("d")), ["1. a", "1.1. b", "1.2. c", "2. d"]),
        (
            LATER,
            listed(paragraph("a")) + paragraph("b") + listed(paragraph("c"), attributes=GO_ON),
            ["7. a", "b", "8. c"],
        ),
        (WHOLE, listed(paragraph("a"), paragraph("b")), ["Annex A: a", "Annex B: b"]),
        (
            ARTICLES,
            f'<text:numbered-paragraph text:style-name="L">{paragraph("a")}</text:numbered-paragraph>{paragraph("b")}',
            ["Article I. a", "b"],
        ),
    ],
    ids=["articles", "clauses", "continued", "annexes", "paragraph"],
)
def test_lists_have_the_labels_that_are_seen(levels: str, body: str, seen: list[str]) -> None:
    styles = f'<text:list-style style:name="L">{levels}</text:list-style>'
    document = read("text", package("text", body, styles))
    assert [block.text for block in document.blocks] == seen
    assert document.words_in == document.words_out


def test_a_heading_has_the_number_of_its_chapter() -> None:
    levels = (
        f'<text:outline-level-style text:level="{level}" style:num-format="1" text:display-levels="{level}"/>'
        for level in (1, 2)
    )
    common = f"<office:styles><text:outline-style>{''.join(levels)}</text:outline-style></office:styles>"
    body = "".join(
        f'<text:h text:outline-level="{level}">{text}</text:h>'
        for level, text in ((1, "Dock"), (2, "Gate"), (2, "Sill"), (1, "Quay"))
    )
    document = read("text", package("text", body, common=common))
    assert [block.text for block in document.blocks] == ["1 Dock", "1.1 Gate", "1.2 Sill", "2 Quay"]
