"""Puts a document's bytes on disk as they arrive, and hashes them."""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from shared.types.errors import TooLarge
from shared.types.http import SpooledFile

HEAD = 64 * 1024


class SpoolWriter:
    """A file that is being written to the spool. Its methods block: they are called in a thread."""

    def __init__(self, folder: Path | None, largest: int) -> None:
        folder = folder or Path(tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / secrets.token_hex(8)
        self._largest = largest
        self._out = os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._hash = hashlib.sha256()
        self._size = 0
        self._head = b""

    def write(self, piece: bytes) -> None:
        """Raises `TooLarge`."""
        self._size += len(piece)
        if self._size > self._largest:
            raise TooLarge(f"The file is larger than the {self._largest} bytes that are taken.")
        if len(self._head) < HEAD:
            self._head += piece[: HEAD - len(self._head)]
        self._hash.update(piece)
        self._out.write(piece)

    def finish(self, filename: str = "", media_type: str = "application/octet-stream") -> SpooledFile:
        self._out.close()
        return SpooledFile(self._path, filename, media_type, self._size, self._hash.hexdigest(), self._head)

    def discard(self) -> None:
        """Removes the file."""
        self._out.close()
        self._path.unlink(missing_ok=True)
