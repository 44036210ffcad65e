"""The data folder of an installation on one machine: its lock, its layout and its first secrets."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from events.envelope import Secrets
from shared.types.errors import AegisError

LAYOUT = 1
_OURS = "aegis.json"


class FolderTaken(AegisError):
    """Another process owns the folder."""


class ForeignFolder(AegisError):
    """The folder holds something that is not ours."""


class NoInstallation(AegisError):
    """The folder is not a data folder of ours."""


class _Mark(Struct):
    layout: int


class Running(Struct):
    """Where the owner of a folder can be reached."""

    url: str
    pid: int


class DataFolder:
    """A folder that this process owns until it ends."""

    def __init__(self, path: Path) -> None:
        """Raises `ForeignFolder` and `FolderTaken`."""
        self.path = path
        # Also for the stores' processes, which inherit it: what tenants entrust to us is no other user's to read.
        os.umask(0o077)
        _check_ours(path)
        self._is_new = not (path / _OURS).exists()
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise FolderTaken(
                f"{path} is in use by another process. Stop that one first, or give another folder with --data."
            ) from None
        (path / _OURS).write_bytes(msgspec.json.encode(_Mark(LAYOUT)))

    def secrets(self, given: str | None) -> Secrets:
        """The secrets that sign events: the given ones, else the folder's own."""
        if given:
            return Secrets.parse(given)
        return Secrets.parse(self.secret("event-secret", lambda: f"k1:{secrets.token_urlsafe(32)}"))

    def secret(self, name: str, make: Callable[[], str]) -> str:
        """A secret file's content; made, for its owner's eyes only, where it is missing."""
        path = self.path / name
        if not path.exists():
            part = path.with_suffix(".part")
            part.unlink(missing_ok=True)
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(make() + "\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        return path.read_text().strip()

    def announce(self, url: str) -> None:
        """Writes the server's address for client commands on this folder."""
        (self.path / "server.json").write_bytes(msgspec.json.encode(Running(url, os.getpid())))

    def close(self) -> None:
        (self.path / "server.json").unlink(missing_ok=True)
        os.close(self._lock)

    def abandon(self) -> None:
        """Removes what a first start that failed has made in it; an earlier start's folder stays as it is."""
        if self._is_new:
            shutil.rmtree(self.path, ignore_errors=True)


def check_installation(path: Path) -> None:
    """For what works on an installation, or on its restored blobs, and makes none. Raises `NoInstallation`."""
    if not ((path / _OURS).is_file() or (path / "blobs").is_dir()):
        raise NoInstallation(
            f"{path} is no data folder of a server. Name one with --data, or set the variables of the stores."
        )


def _check_ours(path: Path) -> None:
    if not path.exists():
        return
    if not path.is_dir():
        raise ForeignFolder(f"{path} is a file; give a folder with --data.")
    if (path / _OURS).exists():
        mark = msgspec.json.decode((path / _OURS).read_bytes() or b'{"layout": 1}', type=_Mark)
        if mark.layout > LAYOUT:
            raise ForeignFolder(f"{path} was written by a newer version of aegis; use that one.")
    elif any(path.iterdir()):
        raise ForeignFolder(f"{path} is not empty and not a data folder of aegis; give another with --data.")
