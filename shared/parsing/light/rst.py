"""Parses reStructuredText: docutils renders it to HTML, which is read. Nothing is included from outside."""

from docutils.core import publish_parts

from shared.parsing.assembly import Assembly
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light.html import read_into
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

_SETTINGS = {
    "initial_header_level": 1,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "halt_level": 5,
    "report_level": 5,
    "doctitle_xform": False,
    "syntax_highlight": "none",
    "embed_stylesheet": False,
    "stylesheet_path": "",
    "math_output": "LaTeX",
    "_disable_config": True,
    "smart_quotes": False,
    "line_length_limit": 1_000_000,
}


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    try:
        page = publish_parts(decode(content), writer="html5", settings_overrides=_SETTINGS)["body"]
    except (AttributeError, LookupError, TypeError, ValueError, AssertionError) as error:
        raise Rejected("corrupt", f"it cannot be read as reStructuredText ({type(error).__name__})") from error
    assembly = Assembly(limits)
    read_into(assembly, page, limits)
    return assembly.finish()
