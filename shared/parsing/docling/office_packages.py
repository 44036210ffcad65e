"""Office packages with macros, templates and shows: the same parts under another type, which python-docx refuses."""

import posixpath
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any, NamedTuple

from lxml import etree

from shared.parsing.docling.hidden_lines import SheetLines

_TYPES = "[Content_Types].xml"
_OFFICE = b"application/vnd.openxmlformats-officedocument."
_VARIANTS = {
    b"application/vnd.ms-word.document.macroEnabled.main+xml": _OFFICE + b"wordprocessingml.document.main+xml",
    b"application/vnd.ms-word.template.macroEnabledTemplate.main+xml": _OFFICE + b"wordprocessingml.document.main+xml",
    _OFFICE + b"wordprocessingml.template.main+xml": _OFFICE + b"wordprocessingml.document.main+xml",
    _OFFICE + b"presentationml.slideshow.main+xml": _OFFICE + b"presentationml.presentation.main+xml",
    _OFFICE + b"presentationml.template.main+xml": _OFFICE + b"presentationml.presentation.main+xml",
    b"application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml": _OFFICE + b"presentationml.presentation.main+xml",
    b"application/vnd.ms-powerpoint.template.macroEnabled.main+xml": _OFFICE + b"presentationml.presentation.main+xml",
}


def as_document(content: bytes) -> bytes:
    """The same package as a plain document or presentation; what is one already comes back as it is."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if _TYPES not in archive.namelist():
            return content
        types = archive.read(_TYPES)
        found = next((variant for variant in _VARIANTS if variant in types), None)
        return rewritten(archive, {_TYPES: types.replace(found, _VARIANTS[found])}.get) if found else content


class ReadablePackage(NamedTuple):
    """A package rewritten to what Docling reads whole, and the `words` that a reader of it sees. `hidden_words` counts
    those that were taken out, which are not seen; `hidden_lines` has the rows and columns of sheets that are not shown,
    by the sheet's name."""

    content: bytes
    hidden_words: int
    words: Counter[str]
    hidden_lines: Mapping[str, SheetLines] = MappingProxyType({})


def rewritten(archive: zipfile.ZipFile, part_of: Callable[[str], bytes | None]) -> bytes:
    """The same archive with other contents of those parts for which `part_of` returns one."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as written:
        for entry in archive.infolist():
            part = part_of(entry.filename)
            written.writestr(entry.filename, archive.read(entry) if part is None else part)
    return file.getvalue()


def xml_tree(part: bytes, *, huge_tree: bool = False) -> Any:
    """The root element of a part. Nothing is fetched, and no entity is expanded."""
    return etree.fromstring(part, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=huge_tree))


def xml_part(tree: Any) -> bytes:
    """The part that an element is the root of."""
    written: bytes = etree.tostring(tree, xml_declaration=True, encoding="UTF-8")
    return written


def related(archive: zipfile.ZipFile, part: str, kind: str) -> list[str]:
    """The parts of a kind, such as `drawing`, that a part refers to and that are there."""
    names = set(archive.namelist())
    targets = (each for each in _relationships(archive, part) if each.get("Type", "").rpartition("/")[2] == kind)
    return [name for name in (_target(part, each) for each in targets) if name in names]


def related_by_id(archive: zipfile.ZipFile, part: str) -> dict[str, str]:
    """What a part refers to, by the reference: the names of parts, and addresses outside as they are."""
    return {each.get("Id", ""): _target(part, each) for each in _relationships(archive, part)}


def _relationships(archive: zipfile.ZipFile, part: str) -> list[Any]:
    folder, name = posixpath.split(part)
    holder = f"{folder}/_rels/{name}.rels"
    if holder not in archive.namelist():
        return []
    return list(xml_tree(archive.read(holder)))


def _target(part: str, relationship: Any) -> str:
    target: str = relationship.get("Target", "")
    if relationship.get("TargetMode") == "External":
        return target
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(part), target)).lstrip("/")
