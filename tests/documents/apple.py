"""Writes documents of Pages, Keynote and Numbers as they were before 2013: packages whose parts are XML."""

import zipfile
from collections.abc import Sequence
from io import BytesIO

_NAMESPACES = "http://developer.apple.com/namespaces"


def pages(*paragraphs: str) -> bytes:
    text = "".join(f"<sf:p>{paragraph}</sf:p>" for paragraph in paragraphs)
    return _package("index.xml", f"<sf:text-body>{text}</sf:text-body>")


def keynote(text: str) -> bytes:
    """One slide with one shape."""
    storage = f"<sf:text-storage><sf:text-body><sf:p>{text}</sf:p></sf:text-body></sf:text-storage>"
    layers = _layers(f"<sf:shape><sf:text>{storage}</sf:text></sf:shape>")
    slide = f"<key:slide><key:page>{layers}</key:page></key:slide>"
    return _package("index.apxl", f"<key:slide-list>{slide}</key:slide-list>")


def numbers(name: str, rows: Sequence[Sequence[str]]) -> bytes:
    """One sheet with one table."""
    width, height = len(rows[0]), len(rows)
    cells = "".join(f"<sf:t><sf:ct>{cell}</sf:ct></sf:t>" for row in rows for cell in row)
    lines = f'<sf:grid-row sf:nc="{width}"/>' * height
    columns = f'<sf:grid-column sf:nc="{height}"/>' * width
    held = f"<sf:columns>{columns}</sf:columns><sf:rows>{lines}</sf:rows><sf:datasource>{cells}</sf:datasource>"
    grid = f'<sf:grid sf:numrows="{height}" sf:numcols="{width}">{held}</sf:grid>'
    table = f'<sf:tabular-info><sf:tabular-model sf:name="Table">{grid}</sf:tabular-model></sf:tabular-info>'
    page = f"<ls:page-info>{_layers(table)}</ls:page-info>"
    return _package("index.xml", f'<ls:workspace ls:workspace-name="{name}">{page}</ls:workspace>')


def _layers(drawn: str) -> str:
    return f"<sf:layers><sf:layer><sf:drawables>{drawn}</sf:drawables></sf:layer></sf:layers>"


def _package(index: str, body: str) -> bytes:
    names = " ".join(f'xmlns:{name}="{_NAMESPACES}/{name}"' for name in ("sl", "sf", "ls"))
    text = f'<?xml version="1.0"?><sl:document {names} xmlns:key="{_NAMESPACES}/keynote2">{body}</sl:document>'
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(index), text)
    return file.getvalue()
