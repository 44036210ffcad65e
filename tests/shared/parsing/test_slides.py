"""Text of slides is read where it is seen: on the slide, and in another colour than what stands behind it."""

from typing import Any

import pytest
from lxml import etree
from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.oxml.ns import qn
from pptx.util import Inches

from tests.documents.make import saved
from tests.documents.routed import read, text_of
from tests.shared.parsing.test_open_documents import HIDDEN_STYLES, package, style

Place = tuple[float, float, float, float]
TEXT: Place = (1, 1, 3, 1)
CASES: list[tuple[str, list[tuple[Place, str]], Place, bool]] = [
    ("a filled shape elsewhere", [((6, 4, 2, 1), "003366")], TEXT, False),
    ("a filled shape behind", [((0, 0, 5, 3), "003366")], TEXT, True),
    ("a filled shape behind a part", [((0, 0, 2, 3), "003366")], TEXT, True),
    ("a white shape behind", [((0, 0, 5, 3), "FFFFFF")], TEXT, False),
    ("a white shape before a dark one", [((0, 0, 5, 3), "003366"), ((0, 0, 5, 3), "FEFEFE")], TEXT, False),
    ("nothing behind", [], TEXT, False),
]
OUTSIDE: list[Place] = [(-5, 1, 3, 1), (1, 9, 3, 1), (1, -2, 3, 1), (12, 1, 3, 1)]


def slide_with(shapes: list[tuple[Place, str]], place: Place, colour: str = "FFFFFF") -> bytes:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[6])
    for box, fill in shapes:
        shape = slide.shapes.add_shape(1, *map(Inches, box))
        shape.fill.solid()
        shape.fill.fore_color.rgb = RGBColor(*bytes.fromhex(fill))  # type: ignore[no-untyped-call]
    for box, words in ((place, "tested words"), ((1, 6, 3, 1), "Seen.")):
        run = slide.shapes.add_textbox(*map(Inches, box)).text_frame.paragraphs[0].add_run()
        run.text = words
        if words != "Seen.":
            run.font.color.rgb = RGBColor(*bytes.fromhex(colour))  # type: ignore[no-untyped-call]
    return saved(show)


def open_slide_with(shapes: list[tuple[Place, str]], place: Place, colour: str = "FFFFFF") -> bytes:
    size = 'svg:x="{}in" svg:y="{}in" svg:width="{}in" svg:height="{}in"'
    styles = style("text", "t", f'<style:text-properties fo:color="#{colour}"/>')
    body = ""
    for number, (box, fill) in enumerate(shapes):
        properties = f'<style:graphic-properties draw:fill="solid" draw:fill-color="#{fill}"/>'
        styles += style("graphic", f"g{number}", properties)
        body += f'<draw:custom-shape draw:style-name="g{number}" {size.format(*box)}/>'
    for box, words in ((place, '<text:span text:style-name="t">tested words</text:span>'), ((1, 6, 3, 1), "Seen.")):
        body += f"<draw:frame {size.format(*box)}><draw:text-box><text:p>{words}</text:p></draw:text-box></draw:frame>"
    layout = '<style:page-layout-properties fo:page-width="10in" fo:page-height="7.5in"/>'
    common = f'<office:automatic-styles><style:page-layout style:name="L">{layout}</style:page-layout>'
    common += '</office:automatic-styles><office:master-styles><style:master-page style:name="M"'
    common += ' style:page-layout-name="L"/></office:master-styles>'
    return package("presentation", f'<draw:page draw:master-page-name="M">{body}</draw:page>', styles, common)


@pytest.mark.parametrize(("name", "shapes", "place", "seen"), CASES)
def test_white_text_is_read_where_something_darker_stands_behind_it(
    name: str, shapes: list[tuple[Place, str]], place: Place, seen: bool
) -> None:
    for file, content in (("a.pptx", slide_with(shapes, place)), ("a.odp", open_slide_with(shapes, place))):
        document = read(file, content)
        assert ("tested words" in text_of(document), document.hidden_words) == (seen, 0 if seen else 2), (file, name)
        assert "Seen." in text_of(document)


@pytest.mark.parametrize("place", OUTSIDE)
def test_text_beside_a_slide_is_counted_and_not_read(place: Place) -> None:
    for file, content in (
        ("a.pptx", slide_with([], place, "000000")),
        ("a.odp", open_slide_with([], place, "000000")),
    ):
        document = read(file, content)
        assert (text_of(document), document.hidden_words) == ("Seen.", 2), file


def test_text_in_a_group_is_placed_by_the_group_and_a_clear_letter_is_not_seen() -> None:
    show = Presentation()
    slide = show.slides.add_slide(show.slide_layouts[6])
    for left, words in ((1, "on the slide"), (30, "beside it")):
        group = slide.shapes.add_group_shape()
        group.shapes.add_textbox(*map(Inches, (0, 0, 2, 1))).text_frame.text = words
        group.left = Inches(left)
    for name, words in (("noFill", "never drawn"), ("solidFill", "clear letters"), ("", "drawn")):
        run = slide.shapes.add_textbox(*map(Inches, (1, 4, 2, 1))).text_frame.paragraphs[0].add_run()
        run.text = words
        properties = run._r.get_or_add_rPr()
        if name:
            fill = etree.SubElement(properties, qn(f"a:{name}"))
            colour = etree.SubElement(fill, qn("a:srgbClr"), val="000000") if name == "solidFill" else fill
            etree.SubElement(colour, qn("a:alpha"), val="0")
    document = read("a.pptx", saved(show))
    assert text_of(document).split("\n") == ["on the slide", "drawn"] and document.hidden_words == 6


def test_footers_of_slides_are_read_once_and_numbers_of_slides_never() -> None:
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    slides = "http://schemas.openxmlformats.org/presentationml/2006/main"

    def with_footer(slide: Any, kind: str, inner: str) -> None:
        names = " ".join(f'xmlns:{name}="{uri}"' for name, uri in (("a", drawing), ("p", slides)))
        slide.shapes._spTree.append(
            etree.fromstring(
                f'<p:sp {names}><p:nvSpPr><p:cNvPr id="9" name="f"/><p:cNvSpPr/><p:nvPr><p:ph type="{kind}" idx="11"/>'
                f"</p:nvPr></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/><a:p>{inner}</a:p></p:txBody></p:sp>"
            )
        )

    show = Presentation()
    for number in (1, 2):
        slide = show.slides.add_slide(show.slide_layouts[5])
        slide.shapes.title.text = f"Title {number}"
        with_footer(slide, "ftr", "<a:r><a:t>Order 4711</a:t></a:r>")
        with_footer(slide, "sldNum", f'<a:fld id="{{1}}" type="slidenum"><a:t>{number}8</a:t></a:fld>')
        with_footer(slide, "dt", "<a:r><a:t>May 2026</a:t></a:r>")
    assert text_of(read("a.pptx", saved(show))).split("\n") == ["Title 1", "May 2026", "Order 4711", "Title 2"]


def test_a_slide_of_white_paper_hides_white_text_under_its_own_colour() -> None:
    styles = style("drawing-page", "w", '<style:drawing-page-properties draw:fill="solid" draw:fill-color="#ffffff"/>')
    styles += style("text", "white", HIDDEN_STYLES["white"])
    box = '<draw:frame svg:x="1cm" svg:y="1cm" svg:width="9cm" svg:height="2cm"><draw:text-box><text:p>Seen. '
    box += '<text:span text:style-name="white">secret words</text:span></text:p></draw:text-box></draw:frame>'
    document = read("a.odp", package("presentation", f'<draw:page draw:style-name="w">{box}</draw:page>', styles))
    assert (text_of(document).strip(), document.hidden_words) == ("Seen.", 2)
