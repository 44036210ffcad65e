"""Old formats that nothing here but LibreOffice reads, and what it makes of them for our own parsers."""

from collections.abc import Mapping

from msgspec import Struct


class Target(Struct, frozen=True):
    """`extension` is what LibreOffice knows the format by, `to` what it converts it to."""

    extension: str
    to: str
    parser: str
    media_type: str


OFFICE = "office"
"""The parser's name in the table of formats."""

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

TARGETS: Mapping[str, Target] = {
    "application/vnd.wordperfect": _text("wpd"),
    "application/vnd.ms-works": _text("wps"),
    "application/vnd.sun.xml.writer": _text("sxw"),
    "application/vnd.stardivision.writer": _text("sdw"),
    "application/vnd.sun.xml.calc": _sheet("sxc"),
    "application/vnd.stardivision.calc": _sheet("sdc"),
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": _sheet("xlsb"),
    "application/vnd.sun.xml.impress": _slides("sxi"),
    "application/vnd.stardivision.impress": _slides("sdd"),
    "application/vnd.oasis.opendocument.graphics": Target("odg", "pdf", "paged", "application/pdf"),
}
