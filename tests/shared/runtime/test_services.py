"""The services of a process are closed with it."""

from pathlib import Path
from typing import Any

from shared.blobs.folder import FolderBlobs
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import load
from tests.transports import RecordingTransport


class Closing(RecordingTransport):
    """Stands for a store or a transport, and counts how often it is closed."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


async def test_what_was_used_is_closed_once_and_what_was_not_is_never_made(tmp_path: Path) -> None:
    redis = Closing()
    transport = Closing()
    made: list[str] = []

    def vectors(_: Services) -> Any:
        made.append("vectors")

    services = Services(
        load(),
        Settings(),
        blobs=lambda: FolderBlobs(tmp_path),
        redis=lambda: redis,  # type: ignore[arg-type,return-value]
        transport=lambda: transport,
        vectors=vectors,
    )
    _ = services.redis
    services.publisher("upload")
    await services.close()
    assert (redis.closed, transport.closed, made) == (1, 1, [])
