"""Runs `aegis serve` and kills it with its children at a given point: `POINT --data DIR --port N`.

`POINT` is `STAGE before-write|after-write|after-reply`, `upload after-marker|after-original`, or
`delete hidden|buried|half-erased`. It applies from the third upload on, so that others are on their way; a deletion's
for documents that were uploaded here. `delete slowly` dies nowhere and takes two seconds to erase one's blobs.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

from shared.blobs.folder import FolderBlobs
from shared.bus.streams import StreamBus
from shared.catalogue.catalogue import Catalogue
from shared.records.records import TenantRecords
from shared.runtime.serve import serve

_UPLOADS_BEFORE = 3
_SLOWLY_S = 2.0
_uploaded: list[str] = []


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise SystemExit("unreachable")


def is_armed() -> bool:
    return len(_uploaded) >= _UPLOADS_BEFORE


def wrap(
    owner: type,
    name: str,
    before: Callable[..., Awaitable[None]] | None = None,
    after: Callable[..., Awaitable[None]] | None = None,
) -> None:
    """Does something before or after each call of a method, with its arguments."""
    original = getattr(owner, name)

    async def call(*arguments: Any) -> Any:
        if before:
            await before(*arguments)
        result = await original(*arguments)
        if after:
            await after(*arguments)
        return result

    setattr(owner, name, call)


def die_in_a_stage(stage: str, when: str) -> None:
    async def at_the_write(records: TenantRecords, document_id: str, generation: int, record: Any) -> None:
        if is_armed() and record.stage == stage:
            die()

    async def at_the_reply(bus: StreamBus, received: Any, reply: Any) -> None:
        if is_armed() and received.function == stage and reply:
            die()

    if when == "after-reply":
        wrap(StreamBus, "acknowledge", after=at_the_reply)
    elif when == "before-write":
        wrap(TenantRecords, "write_stage", before=at_the_write)
    else:
        wrap(TenantRecords, "write_stage", after=at_the_write)


async def note_upload(records: TenantRecords, record: Any, original: Path) -> None:
    _uploaded.append(record.document_id)


async def die_armed(*_: Any) -> None:
    if is_armed():
        die()


async def die_if_ours(_: Any, document_id: str, __: int) -> None:
    if document_id in _uploaded:
        die()


async def die_half_erased(records: TenantRecords, document_id: str, generation: int) -> None:
    if document_id not in _uploaded:
        return
    names = await records._blobs.names(f"t/{records.tenant_id}/d/{document_id}/{generation}/")
    for name in names[::2]:
        await records._blobs.erase(name)
    die()


async def slowly(_: Any, document_id: str, __: int) -> None:
    if document_id in _uploaded:
        await asyncio.sleep(_SLOWLY_S)


def install(operation: str, when: str) -> None:
    wrap(TenantRecords, "store", before=note_upload)
    points: dict[tuple[str, str], Callable[[], None]] = {
        ("upload", "after-marker"): lambda: wrap(TenantRecords, "mark_open", after=die_armed),
        ("upload", "after-original"): lambda: wrap(FolderBlobs, "adopt", after=die_armed),
        ("delete", "hidden"): lambda: wrap(Catalogue, "drop", after=die_if_ours),
        ("delete", "buried"): lambda: wrap(TenantRecords, "write_tombstone", after=die_if_ours),
        ("delete", "half-erased"): lambda: wrap(TenantRecords, "erase", before=die_half_erased),
        ("delete", "slowly"): lambda: wrap(TenantRecords, "erase", before=slowly),
    }
    points.get((operation, when), lambda: die_in_a_stage(operation, when))()


if __name__ == "__main__":
    os.fsync = lambda fd: None  # the power is not cut
    install(sys.argv[1], sys.argv[2])
    _, data, _, port = sys.argv[3:7]
    sys.exit(serve(Path(data), "127.0.0.1", int(port)))
