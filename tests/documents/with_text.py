"""Makes a valid file of any format with a given text: sentences of plain letters, without marks of any markup."""

import textwrap
import zipfile
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from tests.documents import legacy, make
from tests.documents.make import HEADER, ROW, SENTENCE, TITLE
from tests.shared.parsing import drawn

EXTENSIONS = (
    "pdf", "docx", "pptx", "xlsx", "png", "jpg", "jpeg", "tiff", "bmp", "html", "xml", "json", "csv", "ipynb",
    "epub", "rtf", "tex", "md", "rst", "adoc", "org", "odt", "msg", "txt", "htm", "mhtml", "eml", "doc", "xls", "ppt",
)  # fmt: skip
"""The thirty that we promise to take."""

PICTURES = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "tiff": "TIFF", "bmp": "BMP"}
LIGHT = tuple(extension for extension in EXTENSIONS if extension != "pdf" and extension not in PICTURES)
"""Those without pages to lay out."""

_LINES_A_PAGE = 48


def document_with(extension: str, text: str) -> bytes:
    if extension in PICTURES:
        return drawn.encoded(scanned(text), PICTURES[extension])
    if extension in _MADE:
        return _MADE[extension](text)
    made = make.make(extension)
    return _in_parts(made, text) if extension in make.ARCHIVED else made.replace(SENTENCE.encode(), text.encode())


def scanned(text: str) -> Image.Image:
    """A heading and the text on a sheet of paper at 150 dots an inch, longer than A4 where the text is."""
    lines = textwrap.wrap(text, 60)
    sheet = Image.new("RGB", (1240, max(1754, 360 + 38 * len(lines))), "white")
    pen = ImageDraw.Draw(sheet)
    pen.text((120, 120), TITLE, fill="black", font=ImageFont.load_default(44))
    for place, line in enumerate(lines):
        pen.text((120, 240 + 38 * place), line, fill="black", font=ImageFont.load_default(28))
    return sheet


def pdf(text: str) -> bytes:
    """A page with a heading, then the text on as many as it needs."""
    lines = textwrap.wrap(text, 88)
    pages = [lines[at : at + _LINES_A_PAGE] for at in range(0, len(lines), _LINES_A_PAGE)]
    return drawn.pdf(drawn.lines(TITLE, size=20), *(drawn.lines(*page) for page in pages))


def docx(text: str) -> bytes:
    """A page with a heading; the text stands on the second one."""
    paragraph = "<w:p><w:r>{}<w:t>{}</w:t></w:r></w:p>".format
    return make.docx_of(paragraph("", TITLE) + paragraph('<w:br w:type="page"/>', text))


def _in_parts(archive: bytes, text: str) -> bytes:
    with zipfile.ZipFile(BytesIO(archive)) as opened:
        parts = {name: opened.read(name).replace(SENTENCE.encode(), text.encode()) for name in opened.namelist()}
    return make.zipped(parts, stored="mimetype")


_MADE: dict[str, Callable[[str], bytes]] = {
    "pdf": pdf,
    "docx": docx,
    "doc": lambda text: legacy.doc(f"{TITLE}\n{text}"),
    "xls": lambda text: legacy.xls([list(HEADER), list(ROW), [text, "yes"]]),
    "ppt": lambda text: legacy.ppt([[TITLE, text]]),
    "msg": lambda text: legacy.msg(TITLE, "Ann", text),
}
