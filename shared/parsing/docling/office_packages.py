"""Office packages with macros, templates and shows: the same parts under another type, which python-docx refuses."""

import posixpath
import zipfile
from io import BytesIO
from typing import Any

from lxml import etree

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
        return replaced(archive, _TYPES, types.replace(found, _VARIANTS[found])) if found else content


def replaced(archive: zipfile.ZipFile, name: str, part: bytes) -> bytes:
    """The same archive with another content of one part."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as written:
        for entry in archive.infolist():
            written.writestr(entry.filename, part if entry.filename == name else archive.read(entry))
    return file.getvalue()


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
    return list(etree.fromstring(archive.read(holder), etree.XMLParser(resolve_entities=False, no_network=True)))


def _target(part: str, relationship: Any) -> str:
    target: str = relationship.get("Target", "")
    if relationship.get("TargetMode") == "External":
        return target
    return posixpath.normpath(posixpath.join("/", posixpath.dirname(part), target)).lstrip("/")
