"""Packages in Strict Open XML, which name the same elements by other namespaces."""

import re
import zipfile
from io import BytesIO

from shared.parsing.docling.office_packages import rewritten

_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_TRANSITIONAL = rb"http://schemas.openxmlformats.org/\1/2006/"


def as_transitional(content: bytes) -> bytes:
    """The same package by the names that every reader knows; what uses them already comes back as it is."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        if not any(_is_strict(archive, entry) for entry in archive.infolist()):
            return content

        def part_of(name: str) -> bytes | None:
            is_xml = name.lower().endswith((".xml", ".rels"))
            return _STRICT.sub(_TRANSITIONAL, archive.read(name)) if is_xml else None

        return rewritten(archive, part_of)


def _is_strict(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    return entry.filename == "_rels/.rels" and _STRICT.search(archive.read(entry)) is not None
