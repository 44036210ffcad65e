"""On a full disk a document can still be deleted."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from functions.documents.access import OneDocument
from shared.blobs.folder import RESERVE_BYTES, FolderBlobs
from shared.erasure import erasure
from shared.types.errors import DiskFull, NotFound
from tests.pipeline.suite import Suite


class FullDisk:
    """A disk without room but for what the reserve leaves."""

    def __init__(self, blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch) -> None:
        self._blobs = blobs
        self._fsync = os.fsync
        usage = shutil.disk_usage(blobs._root)
        monkeypatch.setattr(os, "fsync", self._sync)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
        monkeypatch.setattr(erasure, "_REDIS_RECOVERS_S", 0)

    def _sync(self, handle: int) -> None:
        if self._blobs._reserve.exists():
            raise OSError(errno.ENOSPC, "No space left on device")
        self._fsync(handle)


async def test_a_reserve_is_given_up_once_and_held_again_where_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    await blobs.prepare()
    assert blobs._reserve.stat().st_size == RESERVE_BYTES
    assert not await blobs.make_room(), "the disk is not full"
    with monkeypatch.context() as patched:
        FullDisk(blobs, patched)
        with pytest.raises(DiskFull):
            await blobs.write("t/a", b"a")
        assert await blobs.make_room()
        assert not await blobs.make_room()
        await blobs.write("t/a", b"a")
    await blobs.erase_all("t/")
    assert blobs._reserve.exists()


async def test_a_document_is_deleted_on_a_full_disk(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    if not isinstance(suite.blobs, FolderBlobs):
        pytest.skip("an object store has no disk of ours")
    await suite.blobs.prepare()
    record = await suite.store("# A note\n\nThe lamp is green.")
    with monkeypatch.context() as patched:
        FullDisk(suite.blobs, patched)
        await suite.call("documents", "delete", OneDocument(record.document_id))
        with pytest.raises(NotFound):
            await suite.call("documents", "read", OneDocument(record.document_id))
