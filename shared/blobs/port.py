"""The port to the store of blobs: bytes under a name."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol


class BlobMissing(KeyError):
    """There is no blob of that name."""


class Blobs(Protocol):
    """Names are paths of `[A-Za-z0-9._-]` parts, made by us alone. A blob is whole or absent, never half.

    Every method raises `StoreUnavailable` when the store does not answer, `DiskFull` where there is no room.
    """

    async def read(self, name: str) -> bytes:
        """Raises `BlobMissing`."""
        ...

    async def write(self, name: str, data: bytes) -> None:
        """Durable when it returns; replaces what was there."""
        ...

    async def create(self, name: str, data: bytes) -> bool:
        """Writes only where nothing is; False where another was first."""
        ...

    async def adopt(self, name: str, file: Path) -> None:
        """Moves a finished file into the store."""
        ...

    def stream(self, name: str) -> AsyncIterator[bytes]:
        """The bytes in pieces. Raises `BlobMissing` at the first."""
        ...

    async def names(self, prefix: str) -> list[str]:
        """All names that begin with the prefix, in order; the prefix ends at a `/`."""
        ...

    async def folders(self, prefix: str) -> list[str]:
        """The next path parts below the prefix, in order."""
        ...

    async def erase(self, name: str) -> None:
        """Nothing there is no error."""
        ...

    async def erase_all(self, prefix: str) -> None:
        """Everything below the prefix, which ends at a `/`."""
        ...

    async def prepare(self) -> None:
        """Makes the folder or bucket, where it is missing."""
        ...

    async def make_room(self) -> bool:
        """Gives up what is held in reserve for deletions, where the disk is full; False where that changes nothing."""
        ...

    async def ping(self) -> None: ...

    async def close(self) -> None: ...
