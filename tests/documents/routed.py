"""A file's way to its parser, as after an upload."""

from pathlib import Path
from tempfile import TemporaryDirectory

from shared.formats.router import HEAD_BYTES, FormatRouter, Routed
from shared.parsing.document import ParsedDocument
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
