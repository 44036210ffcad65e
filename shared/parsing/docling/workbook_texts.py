"""Texts of a workbook beyond the values of its cells: runs above the line, links, headers and footers of pages."""

import re
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from shared.parsing.docling.office_packages import related_by_id
from shared.parsing.links import with_address
from shared.parsing.page_numbers import coded_lines
from shared.parsing.raised import ScriptPosition, marked

_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SCRIPTS: dict[str, ScriptPosition] = {"superscript": "sup", "subscript": "sub"}
_PARTS = tuple(f"{_S}{page}{part}" for part in ("Header", "Footer") for page in ("first", "odd", "even"))
_LINK = re.compile(r'\bHYPERLINK\(\s*"([^"]{1,2000})"\s*(?:[,;]\s*"([^"]{1,2000})"\s*)?', re.IGNORECASE)


def is_rich(item: Any) -> bool:
    """Whether runs of a string stand above or below the line."""
    return item.find(f"{_S}r/{_S}rPr/{_S}vertAlign") is not None


def string_text(item: Any) -> str:
    """The text of a string, the powers and indices among its runs in their line. Readings of its signs are left out."""
    plain = "".join(each.text or "" for each in item.iterfind(f"{_S}t"))
    runs = item.findall(f"{_S}r")
    return plain + "".join(marked(("".join(run.itertext(f"{_S}t")), _script(run)) for run in runs))


def _script(run: Any) -> ScriptPosition:
    align = run.find(f"{_S}rPr/{_S}vertAlign")
    return _SCRIPTS.get("" if align is None else align.get("val", ""), "")


def cell_links(archive: zipfile.ZipFile, part: str, hyperlinks: Iterable[Any]) -> dict[str, str]:
    """The addresses that the cells of a sheet lead to, by the name of the first cell of each link."""
    targets = related_by_id(archive, part)
    return {each.get("ref", "").partition(":")[0]: targets.get(each.get(f"{_R}id", ""), "") for each in hyperlinks}


def linked(text: str, address: str, formula: str) -> str:
    """The text of a cell with the address of its link, or of the link that its formula makes, and that link's words
    where the formula has no result."""
    found = _LINK.search(formula)
    if found and text.startswith("="):
        text = found[2] or found[1]
    return with_address(text, address or (found[1] if found else ""))


def page_lines(headers: Iterable[Any]) -> Iterator[str]:
    """Yields the lines of the headers of a sheet's pages, then those of the footers."""
    for each in headers:
        switches = {"first": each.get("differentFirst"), "even": each.get("differentOddEven")}
        for part in (part for name in _PARTS for part in each.iterchildren(name)):
            page = part.tag.removeprefix(_S)[:-6]
            if page == "odd" or switches[page] in {"1", "true"}:
                yield from coded_lines(part.text or "")
