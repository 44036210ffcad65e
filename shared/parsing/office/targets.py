"""The formats that LibreOffice reads, and what it makes of them: documents for our own parsers, and their pages."""

from collections.abc import Mapping

from msgspec import Struct


class Target(Struct, frozen=True):
    """`extension` is what LibreOffice knows the format by, `to` what it converts it to, with the `options` of its
    filter."""

    extension: str
    to: str
    parser: str
    media_type: str
    options: str = ""


OFFICE = "office"
"""The parser's name in the table of formats."""

PDF = "application/pdf"
_TYPE = "application/vnd.openxmlformats-officedocument"


def _text(extension: str) -> Target:
    return Target(extension, "docx", "docling", f"{_TYPE}.wordprocessingml.document")


def _sheet(extension: str) -> Target:
    return Target(extension, "xlsx", "docling", f"{_TYPE}.spreadsheetml.sheet")


def _slides(extension: str) -> Target:
    return Target(extension, "pptx", "docling", f"{_TYPE}.presentationml.presentation")


CONVERTIBLE: Mapping[str, Target] = {
    f"{_TYPE}.wordprocessingml.document": _text("docx"),
    f"{_TYPE}.spreadsheetml.sheet": _sheet("xlsx"),
    f"{_TYPE}.presentationml.presentation": _slides("pptx"),
    "application/vnd.oasis.opendocument.text": _text("odt"),
    "application/vnd.oasis.opendocument.spreadsheet": _sheet("ods"),
    "application/vnd.oasis.opendocument.presentation": _slides("odp"),
    "application/msword": _text("doc"),
    "application/vnd.ms-excel": _sheet("xls"),
    "application/vnd.ms-powerpoint": _slides("ppt"),
    "application/rtf": _text("rtf"),
}
"""What our own parsers read first; LibreOffice is tried where they fail."""

_OFFICE_ALONE: Mapping[str, Target] = {
    "application/vnd.wordperfect": _text("wpd"),
    "application/vnd.ms-works": _text("wps"),
    "application/vnd.sun.xml.writer": _text("sxw"),
    "application/vnd.stardivision.writer": _text("sdw"),
    "application/vnd.sun.xml.calc": _sheet("sxc"),
    "application/vnd.stardivision.calc": _sheet("sdc"),
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": _sheet("xlsb"),
    "application/vnd.sun.xml.impress": _slides("sxi"),
    "application/vnd.stardivision.impress": _slides("sdd"),
    "application/vnd.oasis.opendocument.graphics": Target("odg", "pdf", "paged", PDF),
}
"""What nothing here but LibreOffice reads."""

TARGETS: Mapping[str, Target] = {**CONVERTIBLE, **_OFFICE_ALONE}

_EVERY_SLIDE = ':impress_pdf_Export:{"ExportHiddenSlides":{"type":"boolean","value":"true"}}'
"""A hidden slide counts as a slide, so that the others have the numbers that their text has."""


def page_target(media_type: str) -> Target | None:
    """Returns how the document's pages are printed; None for what LibreOffice does not read."""
    found = TARGETS.get(media_type)
    if found is None:
        return None
    return Target(found.extension, "pdf", "paged", PDF, _EVERY_SLIDE if has_slides(media_type) else "")


def has_slides(media_type: str) -> bool:
    return _converted_to(media_type) == "pptx"


def has_sheets(media_type: str) -> bool:
    return _converted_to(media_type) == "xlsx"


def _converted_to(media_type: str) -> str:
    found = TARGETS.get(media_type)
    return found.to if found else ""
