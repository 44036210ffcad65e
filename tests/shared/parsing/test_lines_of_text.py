"""A power, an equation, a field or a mark reads as it is seen, whatever format it stands in."""

import pytest

from shared.parsing.light.parsers import parse_light
from shared.parsing.limits import ParsingLimits

POWERS = (
    ("10<sup>6</sup> litres", "10^6 litres"),
    ("2×10<sup>-3</sup> m<sup>2</sup>", "2×10^-3 m^2"),
    ("e<sup>x + 1</sup>", "e^(x + 1)"),
    ("H<sub>2</sub>O and x<sub>i</sub>", "H2O and x_i"),
    ("1<sup>st</sup> gate<sup>[3]</sup>", "1st gate[3]"),
    ("101<sub>2</sub>", "101_2"),
)
MATH = (
    ("<mfrac><mn>3</mn><mn>4</mn></mfrac>", "3/4"),
    ("<msup><mi>y</mi><mn>2</mn></msup>", "y^2"),
    ("<msub><mi>v</mi><mn>0</mn></msub>", "v_0"),
    ("<msubsup><mi>v</mi><mn>0</mn><mn>2</mn></msubsup>", "v_0^2"),
    ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", "sqrt(x+1)"),
    ("<mroot><mi>x</mi><mn>3</mn></mroot>", "root(3, x)"),
    ("<mn>10</mn><msup><mn>10</mn><mn>6</mn></msup>", "10 10^6"),
    ("<mi>f</mi><mo>&#x2061;</mo><mfenced><mi>x</mi><mi>y</mi></mfenced>", "f(x, y)"),
    ("<mmultiscripts><mi>C</mi><mprescripts/><mn>6</mn><mn>14</mn></mmultiscripts>", "_6^14C"),
    ("<semantics><mi>a</mi><annotation>alpha</annotation></semantics>", "a"),
    (
        "<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr>"
        "<mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr></mtable>",
        "[1, 2; 3, 4]",
    ),
)
WRITTEN = {
    "text/html": "<p>{}</p>",
    "text/markdown": "{}",
    "application/xml": "<doc><p>{}</p></doc>",
    "feed": '<feed xmlns="http://www.w3.org/2005/Atom"><entry><content type="xhtml">'
    '<div xmlns="http://www.w3.org/1999/xhtml"><p>{}</p></div></content></entry></feed>',
    "heading": '<feed xmlns="http://www.w3.org/2005/Atom"><title type="xhtml">'
    '<div xmlns="http://www.w3.org/1999/xhtml">{}</div></title></feed>',
}


def read(kind: str, text: str) -> list[str]:
    media_type = kind if "/" in kind else "application/xml"
    return [block.text for block in parse_light(media_type, text.encode(), ParsingLimits()).blocks]


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_power_does_not_become_digits_of_its_number(kind: str) -> None:
    for markup, text in POWERS:
        assert read(kind, WRITTEN[kind].format(markup)) == [text]


@pytest.mark.parametrize("kind", WRITTEN)
def test_an_equation_is_read_in_its_line(kind: str) -> None:
    for markup, text in MATH:
        math = f'<math xmlns="http://www.w3.org/1998/Math/MathML">{markup}</math>'
        assert read(kind, WRITTEN[kind].format(f"side {math} of")) == [f"side {text} of"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("10^6^ litres of H~2~O, x~i~", "10^6 litres of H2O, x_i"),
        ("`10^6^` in ~/a~b and a^b^c, ~~gone~~", "10^6^ in ~/a~b and a^b^c, gone"),
        ("use <select> here, List<String> too", "use <select> here, List<String> too"),
        ("[go **on**](https://a.example)<br>A<kbd>B</kbd> ![a *cat*](c.png)", "go on (https://a.example)\nAB a cat"),
    ],
)
def test_a_line_of_markdown_is_read_as_it_is_seen(text: str, line: str) -> None:
    assert read("text/markdown", text) == [line]


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        ("<ol><li>a<li value=9>b<li>c</ol>", ["1. a\n9. b\n10. c"]),
        ("<ol start=-1><li>a<li>b</ol>", ["-1. a\n0. b"]),
        ("<ol reversed><li>a<li>b<li>c</ol><ol reversed start=9><li>d<li>e</ol>", ["3. a\n2. b\n1. c", "9. d\n8. e"]),
        ("<ol type=A><li>a</ol><ol type=i start=4><li>b</ol>", ["A. a", "iv. b"]),
        ("<ol style='list-style-type: lower-alpha'><li>a<ul><li>b</ul></ol>", ["a. a\n   - b"]),
        ("<ol style='list-style: square'><li>a</ol>", ["- a"]),
        ("<select><option>a<option selected>b</select>", ["b"]),
        ("<select><option>a<option>b</select> km", ["a km"]),
        ("<select multiple><option>a<option>b</select>", ["a, b"]),
        (
            "<table><tr><td>Size<td><select><option>S<option selected>L</select></table>",
            ["| Size | L |\n| --- | --- |"],
        ),
        (
            "<svg><style>a</style><defs><text>d</text></defs><text>Two <tspan>red</tspan><tspan x=0>rows</tspan></text>"
            "</svg>",
            ["Two red rows"],
        ),
        ("at<svg><title>Sea</title><path d=M0></svg>9", ["at Sea 9"]),
        ("<iframe srcdoc='<h2>In</h2><p>frame &amp; page'></iframe>", ["In", "frame & page"]),
        ("<input value=Ada> <input type=image alt=Go> <input type=checkbox checked> Wifi", ["Ada Go [x] Wifi"]),
        (
            "<meter value=3 max=10></meter>, <progress value=7 max=9></progress>, <meter value=1>one</meter>",
            ["3/10 , 7/9 , one"],
        ),
        ("<del>old</del><ins>new</ins> wo<ins>r</ins>d", ["old new word"]),
        ("wo<wbr>rd so&shy;ft", ["word soft"]),
        ("<bdo dir=rtl>olleh</bdo> <bdo dir=ltr>abc</bdo> <bdo dir=rtl>שלום</bdo>", ["hello abc שלום"]),
        ("<picture><source srcset=a><img alt='A gull'></picture>", ["A gull"]),
        ("He said <q>go</q>.", ["He said “go”."]),
        ("a<math><mi>b</mi></math>c", ["a b c"]),
    ],
)
def test_a_part_of_a_page_is_read_as_it_is_seen(markup: str, lines: list[str]) -> None:
    assert read("text/html", f"<body>{markup}</body>") == lines


@pytest.mark.parametrize(
    ("feed", "lines"),
    [
        ("<rss version='2.0'><channel><title>News &lt;b&gt;bold&lt;/b&gt;</title></channel></rss>", ["News bold"]),
        (
            "<rss version='2.0'><channel><item><title><![CDATA[Toll <em>rises</em> &amp; falls]]></title>"
            "<guid isPermaLink='false'>7</guid><enclosure url='https://a.example/b.mp3' length='9'/></item>"
            "</channel></rss>",
            ["Toll rises & falls", "guid: 7\nenclosure: https://a.example/b.mp3"],
        ),
        (
            "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en'><title>a &lt;b> c</title>"
            "<title type='html'>a &lt;i>c&lt;/i></title><summary type='text'>x &lt;b> y</summary>"
            "<link rel='self' href='https://a.example'/><category term='sea'/></feed>",
            ["a <b> c", "a c", "x <b> y", "link: https://a.example", "category: sea"],
        ),
    ],
)
def test_a_feed_is_read_as_its_reader_shows_it(feed: str, lines: list[str]) -> None:
    assert read("feed", feed) == lines
