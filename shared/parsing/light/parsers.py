"""The parsers that need only a few small libraries, by media type."""

from collections.abc import Callable
from importlib import import_module

from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.time_limits import uncounted
from shared.types.errors import Rejected

Parser = Callable[[bytes, ParsingLimits], ParsedDocument]

MODULES = {
    "text/markdown": "shared.parsing.light.markdown",
    "text/plain": "shared.parsing.light.plain",
    "text/html": "shared.parsing.light.html",
    "text/csv": "shared.parsing.light.csv",
    "application/json": "shared.parsing.light.json",
    "application/x-ipynb+json": "shared.parsing.light.notebook",
    "application/xml": "shared.parsing.light.xml",
    "application/xbrl+xml": "shared.parsing.light.xbrl",
    "text/x-rst": "shared.parsing.light.rst",
    "text/x-org": "shared.parsing.light.org",
    "message/rfc822": "shared.parsing.light.mail",
    "application/mbox": "shared.parsing.light.mail",
    "application/vnd.ms-outlook": "shared.parsing.light.outlook",
    "text/vcard": "shared.parsing.light.contacts",
    "text/calendar": "shared.parsing.light.calendar",
    "multipart/related": "shared.parsing.light.mail",
    "application/epub+zip": "shared.parsing.light.epub",
}
"""Where each `parse` is, imported at first use: a reader of CSV needs no lxml."""


def parse(media_type: str, filename: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    """Parses a document; the signature is that of every family of parsers, and the filename is not used."""
    return parse_light(media_type, content, limits)


def parse_light(media_type: str, content: bytes, limits: ParsingLimits) -> ParsedDocument:
    """Parses a document. Raises Rejected with the contract's code where the document is at fault."""
    module = MODULES.get(media_type)
    if module is None:
        raise Rejected("unsupported-format", f"there is no parser for {media_type}")
    with uncounted():
        parser: Parser = import_module(module).parse
    return parser(content, limits)
