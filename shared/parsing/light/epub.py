"""EPUB books: their pages in the order of the spine."""

import posixpath
import zipfile
from collections.abc import Iterator
from functools import lru_cache, partial
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from lxml import etree

from shared.parsing.assembly import Assembly
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light.html import read_into
from shared.parsing.light.html_sheets import style_sheets
from shared.parsing.light.html_styles import StyleSheets
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

CONTAINER = "META-INF/container.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html"})
_SHEETS_HELD = 4
"""How many sets of style sheets stay read: the pages of a book mostly share one."""


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            _read(archive, assembly, limits)
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, etree.XMLSyntaxError) as error:
        raise Rejected("corrupt", "its pages cannot be found") from error
    return assembly.finish()


def _read(archive: zipfile.ZipFile, assembly: Assembly, limits: ParsingLimits) -> None:
    package = str(_tree(archive.read(CONTAINER)).xpath("string(//*[local-name()='rootfile']/@full-path)"))
    tree = _tree(archive.read(package))
    title = "".join(tree.xpath("string(//*[local-name()='metadata']/*[local-name()='title'])").split("\n")).strip()
    styles = lru_cache(maxsize=_SHEETS_HELD)(StyleSheets)
    for name in _pages(tree, posixpath.dirname(package)):
        page = decode(archive.read(name))
        sheets = style_sheets(page, partial(_sheet, archive, name))
        read_into(assembly, page, limits, styles=styles(sheets))
    assembly.title = title or assembly.title


def _sheet(archive: zipfile.ZipFile, page: str, address: str, base: str) -> tuple[str, str] | None:
    """A style sheet of the book, by the address in a page or in another sheet."""
    folder = posixpath.dirname(base or page)
    name = posixpath.normpath(posixpath.join(folder, unquote(address.partition("#")[0].partition("?")[0])))
    try:
        return decode(archive.read(name)), name
    except (KeyError, Rejected):
        return None


def _pages(package: Any, folder: str) -> Iterator[str]:
    items = {
        item.get("id"): item.get("href", "")
        for item in package.xpath("//*[local-name()='manifest']/*[local-name()='item']")
        if item.get("media-type") in _PAGES and "nav" not in item.get("properties", "").split()
    }
    for reference in package.xpath("//*[local-name()='spine']/*[local-name()='itemref']/@idref"):
        if href := items.get(reference):
            yield posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _tree(content: bytes) -> Any:
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
