"""Documents with pages, made as a test needs them."""

import random
import struct
import zlib
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A4
WORDS = "the harbour master keeps a record of every crane, and of every vessel that it has served since the spring"
WRAPPED = (WORDS[:49], WORDS[50:])
Drawing = Callable[[Canvas], None]


def pdf(*pages: Drawing, password: str | None = None, owner: str = "") -> bytes:
    """One page for each drawing; encrypted where there is a password, which may be empty."""
    written = BytesIO()
    lock = None if password is None else StandardEncryption(password, owner or "owner")
    canvas = Canvas(written, pagesize=A4, encrypt=lock, invariant=1)
    for draw in pages:
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return written.getvalue()


def lines(*texts: str, left: float = 72, top: float = 72, size: float = 11, pitch: float = 14) -> Drawing:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", size)
        for place, text in enumerate(texts):
            canvas.drawString(left, HEIGHT - top - size - place * pitch, text)

    return draw


def together(*drawings: Drawing) -> Drawing:
    def draw(canvas: Canvas) -> None:
        for one in drawings:
            one(canvas)

    return draw


def text_page(number: int = 1) -> Drawing:
    """A running head, a heading, two paragraphs, a list, a page's number."""
    return together(
        lines("Port of Example - Yearly report", top=30, size=9),
        lines(f"Cranes of quay {number}", top=80, size=20),
        lines(*WRAPPED, "and the cranes are greased.", top=130),
        lines(f"Paragraph {number} of quay", "stands by itself below a gap.", top=200),
        lines("• first item", "• second item", top=260),
        lines(str(number), left=290, top=HEIGHT - 40, size=9),
    )


def two_columns() -> Drawing:
    left = [f"Left line {place} tells of the anchor and" for place in range(1, 31)]
    right = [f"Right line {place} tells of the sail and" for place in range(1, 31)]
    return together(
        lines("Anchors and sails", top=60, size=18),
        lines(*left, left=60, top=110, size=10, pitch=13),
        lines(*right, left=320, top=110, size=10, pitch=13),
    )


TABLE = (
    ("Vessel", "Cargo", "Tonnes"),
    ("Aurora", "grain", "1200"),
    ("Borealis", "timber", "860"),
    ("Cygnus", "ore", "4300"),
)


def table_page() -> Drawing:
    """A ruled table below a paragraph."""

    def draw(canvas: Canvas) -> None:
        lines("Arrivals of the month", top=70, size=16)(canvas)
        lines(*WRAPPED, top=110)(canvas)
        for down, row in enumerate(TABLE):
            for across, cell in enumerate(row):
                lines(cell, left=80 + 150 * across, top=180 + 24 * down)(canvas)
        for down in range(len(TABLE) + 1):
            canvas.line(72, HEIGHT - 175 - 24 * down, 522, HEIGHT - 175 - 24 * down)
        for across in range(4):
            canvas.line(72 + 150 * across, HEIGHT - 175, 72 + 150 * across, HEIGHT - 175 - 24 * len(TABLE))

    return draw


def picture(*texts: str, width: int = 900, height: int = 400) -> Image.Image:
    """Text as a scanner sees it."""
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    for place, text in enumerate(texts):
        pen.text((80, 80 + 90 * place), text, fill="black", font=ImageFont.load_default(44))
    return image


LONG_LINES = tuple(" ".join(random.Random(seed).choices(WORDS.split(), k=18)) for seed in range(12, 24, 2))


def sheet() -> Image.Image:
    """The upper part of a page of A4 with lines about as wide as it, at 150 dots an inch."""
    image = Image.new("RGB", (1240, 400), "white")
    pen = ImageDraw.Draw(image)
    for place, text in enumerate(LONG_LINES):
        pen.text((100, 80 + 45 * place), text, fill="black", font=ImageFont.load_default(21))
    return image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    written = BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def scan(*texts: str) -> Drawing:
    def draw(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(picture(*texts)), 0, HEIGHT - WIDTH * 4 / 9, WIDTH, WIDTH * 4 / 9)

    return draw


def painted(content: bytes) -> bytes:
    """A page that the operators `content` draw. Fonts: /F, and /T whose glyphs a to h have no shape and read as "zebra
    qi"; /Photo is a picture, /Form draws with /F, /Clear and /Masked are graphics states in which nothing is seen."""
    names = b" ".join(b"<%02x> <%04x>" % pair for pair in zip(b"abcdefgh", b"zebra qi", strict=True))
    resources = (
        b"/Font<</F 5 0 R/T 6 0 R>>/XObject<</Photo 9 0 R/Form 10 0 R>>"
        b"/ExtGState<</Clear<</ca 0/CA 0>>/Masked<</SMask<</S/Luminosity/G 11 0 R>>>>>>"
    )
    return _objects(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<<" + resources + b">>>>",
        _stream(b"", content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 10 10]/FontMatrix[.1 0 0 .1 0 0]/CharProcs<</a 7 0 R>>/FirstChar 97"
        b"/LastChar 104/Widths[6 6 6 6 6 6 6 6]/Encoding<</Differences[97/a/a/a/a/a/a/a/a]>>/ToUnicode 8 0 R>>",
        _stream(b"", b"6 0 d0"),
        _stream(
            b"", b"begincmap 1 begincodespacerange <00><ff> endcodespacerange 8 beginbfchar " + names + b" endbfchar"
        ),
        _stream(b"/Subtype/Image/Width 2/Height 2/BitsPerComponent 8/ColorSpace/DeviceGray", b"\x10\xf0\xf0\x10"),
        _stream(
            b"/Subtype/Form/BBox[0 0 600 800]/Resources<</Font<</F 5 0 R>>>>",
            b"BT /F 12 Tf 72 500 Td (zebra instructions) Tj ET",
        ),
        _stream(b"/Subtype/Form/BBox[0 0 600 800]/Group<</S/Transparency/CS/DeviceGray>>", b"0 g 0 0 600 800 re f"),
    )


def xml_form(*packets: bytes) -> bytes:
    """A document whose form is XML, in one packet or in several; its page says to wait."""
    parts = b"".join(b"(part%d)%d 0 R" % (place, 6 + place) for place in range(len(packets)))
    return _objects(
        b"<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[]/XFA[" + parts + b"]>>>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        _stream(b"", b"BT /F 12 Tf 72 500 Td (Please wait) Tj ET"),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        *(_stream(b"", packet) for packet in packets),
    )


def _stream(entries: bytes, content: bytes) -> bytes:
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (entries, len(content), content)


def declared_pages(count: int) -> bytes:
    """One page that says it is one of many."""
    return _objects(
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[3 0 R]/Count {count}>>".encode(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]>>",
    )


def declared_picture(side: int) -> bytes:
    """A page with a picture of a few bytes that says how large it is."""
    data = zlib.compress(bytes(1000))
    head = f"<</Type/XObject/Subtype/Image/Width {side}/Height {side}/BitsPerComponent 8/ColorSpace/DeviceGray"
    return _objects(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        b"<</Length 27>>stream\nq 600 0 0 800 0 0 cm /I Do Q\nendstream",
        f"{head}/Filter/FlateDecode/Length {len(data)}>>stream\n".encode() + data + b"\nendstream",
    )


def _objects(*bodies: bytes) -> bytes:
    written, places = b"%PDF-1.7\n", []
    for number, body in enumerate(bodies, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    head = f"xref\n0 {len(bodies) + 1}\n0000000000 65535 f \n{table}"
    tail = f"trailer<</Size {len(bodies) + 1}/Root 1 0 R>>\nstartxref\n{len(written)}\n%%EOF"
    return written + (head + tail).encode()


def declared_png(side: int) -> bytes:
    """A header that says how large the picture is, and nothing in it."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
