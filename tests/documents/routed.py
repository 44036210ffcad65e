"""A file's way to its parser, as after an upload."""

from pathlib import Path
from tempfile import TemporaryDirectory

from shared.formats.router import HEAD_BYTES, FormatRouter, Routed
from shared.parsing.dispatch import parse
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.pool import ParserPool


def routed(name: str, content: bytes) -> Routed:
    """Raises as the router does."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        return FormatRouter().route(name, None, content[:HEAD_BYTES], len(content), path)


async def parsed(pool: ParserPool, name: str, content: bytes) -> ParsedDocument:
    """Raises as the router and the parsers do."""
    to = routed(name, content)
    return await pool.parse(to.parser, to.media_type, name, content)


def read(name: str, content: bytes, limits: ParsingLimits | None = None) -> ParsedDocument:
    """Parses in this process. Raises as the router and the parsers do."""
    to = routed(name, content)
    return parse(to.parser, to.media_type, name, content, limits or ParsingLimits())


def text_of(document: ParsedDocument) -> str:
    return "\n".join(block.text for block in document.blocks)
