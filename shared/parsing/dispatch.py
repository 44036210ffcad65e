"""Parses a document with the parser of a name, after the guards have looked at it."""

from importlib import import_module

from msgspec.structs import replace

from shared.parsing.decoding import guessed_encodings
from shared.parsing.document import ParsedDocument
from shared.parsing.guards import check
from shared.parsing.limits import ParsingLimits
from shared.parsing.time_limits import uncounted
from shared.types.errors import Rejected

PARSERS = {
    "light": "shared.parsing.light.parsers",
    "docling": "shared.parsing.docling.parsers",
    "legacy": "shared.parsing.legacy.parsers",
    "paged": "shared.parsing.paged.slices",
}
"""The module of each `parse(media_type, filename, content, limits)`, imported at first use."""


class Refused(Rejected):
    """A guard refuses the document, whatever parser would read it."""


def parse(parser: str, media_type: str, filename: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    """Parses a document; raises Rejected. `filename` is only a hint for formats that differ by it."""
    if parser not in PARSERS:
        raise ImportError(f"there is no parser {parser!r} here")
    try:
        check(media_type, content, limits)
    except Rejected as rejected:
        raise Refused(rejected.code, rejected.detail) from rejected
    with uncounted():
        module = import_module(PARSERS[parser])
    with guessed_encodings() as guessed:
        document: ParsedDocument = module.parse(media_type, filename, content, limits)
    name = document.parser or parser
    if guessed:
        name += f", encoding guessed: {', '.join(dict.fromkeys(guessed))}"
    return replace(document, parser=name)
