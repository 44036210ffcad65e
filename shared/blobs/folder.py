"""Blobs in a folder: written beside, synced, then renamed, so that a crash leaves a blob whole or absent."""

import asyncio
import errno
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from functools import wraps
from itertools import takewhile
from pathlib import Path
from typing import ParamSpec, TypeVar

from shared.blobs.names import checked_name, checked_prefix
from shared.blobs.port import BlobMissing
from shared.types.errors import StoreUnavailable, named_os_error

_PIECE = 256 * 1024
RESERVE_BYTES = 4 << 20
"""Given up on a full disk, so that deletions can be written down there, too."""
_TRIES = 20
_P = ParamSpec("_P")
_R = TypeVar("_R")


def _translated(work: Callable[_P, _R]) -> Callable[_P, _R]:
    """An OSError becomes what the port promises."""

    @wraps(work)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        try:
            return work(*args, **kwargs)
        except OSError as error:
            raise named_os_error(error, "blobs") from error

    return call


class FolderBlobs:
    """Blobs below `root`; unfinished ones are in `root/.part` and are erased at the next start."""

    def __init__(self, root: Path, *, is_owner: bool = True) -> None:
        """A process beside the folder's owner does not erase the owner's unfinished blobs."""
        self._root = root
        self._parts = root / ".part"
        self._reserve = root / ".reserve"
        self._is_owner, self._has_given_up = is_owner, False
        if is_owner:
            shutil.rmtree(self._parts, ignore_errors=True)
        self._parts.mkdir(parents=True, exist_ok=True)

    async def read(self, name: str) -> bytes:
        return await asyncio.to_thread(self._read, name)

    async def write(self, name: str, data: bytes) -> None:
        await asyncio.to_thread(self._write, name, data)

    async def create(self, name: str, data: bytes) -> bool:
        return await asyncio.to_thread(self._create, name, data)

    async def adopt(self, name: str, file: Path) -> None:
        await asyncio.to_thread(self._adopt, name, file)

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        path = self._path(name)
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError:
            raise BlobMissing(name) from None
        with file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece

    async def names(self, prefix: str) -> list[str]:
        return await asyncio.to_thread(self._names, prefix)

    async def folders(self, prefix: str) -> list[str]:
        return await asyncio.to_thread(self._folders, prefix)

    async def erase(self, name: str) -> None:
        await asyncio.to_thread(self._erase, name)

    async def erase_all(self, prefix: str) -> None:
        await asyncio.to_thread(self._erase_all, prefix)

    async def prepare(self) -> None:
        await asyncio.to_thread(self._parts.mkdir, parents=True, exist_ok=True)
        await asyncio.to_thread(self._hold_reserve)

    async def make_room(self) -> bool:
        return await asyncio.to_thread(self._give_up_reserve)

    async def close(self) -> None:
        """Nothing is held open."""

    async def ping(self) -> None:
        if not await asyncio.to_thread(os.access, self._root, os.W_OK):
            raise StoreUnavailable("blobs", "the data folder cannot be written")

    @_translated
    def _read(self, name: str) -> bytes:
        try:
            return self._path(name).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise BlobMissing(name) from None

    @_translated
    def _write(self, name: str, data: bytes) -> None:
        target = self._path(name)
        part = self._part(data)
        try:
            _into(target, lambda: part.replace(target))
        finally:
            part.unlink(missing_ok=True)

    @_translated
    def _create(self, name: str, data: bytes) -> bool:
        target = self._path(name)
        if target.exists():
            return False
        part = self._part(data)
        try:
            _into(target, lambda: os.link(part, target))  # unlike a rename, it never replaces
        except FileExistsError:
            return False
        finally:
            part.unlink()
        return True

    @_translated
    def _adopt(self, name: str, file: Path) -> None:
        target = self._path(name)
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
        _into(target, lambda: file.replace(target))

    def _part(self, data: bytes) -> Path:
        part = self._parts / secrets.token_hex(8)
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            part.unlink(missing_ok=True)
            raise
        return part

    @_translated
    def _names(self, prefix: str) -> list[str]:
        found: list[str] = []
        for folder, _, files in os.walk(self._below(prefix)):
            at = Path(folder).relative_to(self._root).as_posix()
            found += [f"{at}/{file}" for file in files]
        return sorted(found)

    @_translated
    def _folders(self, prefix: str) -> list[str]:
        try:
            return sorted(entry.name for entry in os.scandir(self._below(prefix)) if entry.is_dir())
        except FileNotFoundError:
            return []

    @_translated
    def _erase(self, name: str) -> None:
        path = self._path(name)
        path.unlink(missing_ok=True)
        self._drop_empty(path.parent)

    @_translated
    def _erase_all(self, prefix: str) -> None:
        folder = self._below(prefix)
        shutil.rmtree(folder, onerror=_unless_gone)
        self._drop_empty(folder.parent)
        if self._has_given_up:
            self._hold_reserve()

    def _hold_reserve(self) -> None:
        if not self._is_owner or self._reserve.exists():
            return
        try:
            if shutil.disk_usage(self._root).free < 2 * RESERVE_BYTES:
                return
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
        except OSError:  # the disk became full meanwhile
            self._reserve.unlink(missing_ok=True)

    @_translated
    def _give_up_reserve(self) -> bool:
        if shutil.disk_usage(self._root).free >= RESERVE_BYTES or not self._reserve.exists():
            return False
        self._reserve.unlink()
        self._has_given_up = True
        return True

    def _drop_empty(self, folder: Path) -> None:
        while folder != self._root:
            try:
                folder.rmdir()
            except OSError:  # not empty, or gone already
                return
            folder = folder.parent

    def _path(self, name: str) -> Path:
        return self._root / checked_name(name)

    def _below(self, prefix: str) -> Path:
        return self._root / checked_prefix(prefix)


def _unless_gone(_: object, __: object, failure: tuple[type[BaseException], BaseException, object]) -> None:
    """Ignores a missing file: of two concurrent erasures one finds nothing."""
    if not isinstance(failure[1], FileNotFoundError):
        raise failure[1]


def _into(target: Path, move: Callable[[], object]) -> None:
    """Makes the folder and moves the finished file in; repeated where an erasure removes the folder in between."""
    for tries_left in reversed(range(_TRIES)):
        try:
            _make_folder(target.parent)
            move()
            _sync_folder(target.parent)
            return
        except FileNotFoundError:
            if not tries_left:
                raise


def _make_folder(folder: Path) -> None:
    """Makes a folder and those above it durable, each synced into its parent."""
    missing = list(takewhile(lambda one: not one.exists(), (folder, *folder.parents)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # it was there, and an erasure took it before it could be looked at
        raise FileNotFoundError(errno.ENOENT, "the folder was erased", str(folder)) from error
    for made in missing:
        _sync_folder(made.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
