"""Puts bytes that came in an event on disk, as an upload's would be."""

import contextlib
import hashlib
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from shared.types.http import SpooledFile

_HEAD = 64 * 1024


@contextlib.contextmanager
def spooled(content: bytes, filename: str, folder: Path | None) -> Iterator[SpooledFile]:
    """The file is gone at the end, unless it was taken over."""
    folder = folder or Path(tempfile.gettempdir())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / secrets.token_hex(8)
    try:
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        yield SpooledFile(path, filename, "application/octet-stream", len(content), digest, content[:_HEAD])
    finally:
        path.unlink(missing_ok=True)
