"""Where the server is and with which key: the environment's, else the data folder's."""

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from shared.terminal.failure import Exit, Failure, Unreachable

Holder = Literal["admin", "operator"]
_VARIABLES: dict[Holder, str] = {"admin": "AEGIS_API_KEY", "operator": "AEGIS_OPERATOR_KEY"}
_FILES: dict[Holder, str] = {"admin": "initial-api-key", "operator": "initial-operator-key"}


class Place(Struct, frozen=True):
    """A server and the credential to use there; `folder` when the data folder named it."""

    url: str
    credential: str
    folder: Path | None = None


class Served(Struct, frozen=True):
    """`server.json`: what `aegis serve` leaves in its folder while it runs."""

    url: str
    pid: int


def address(data: Path) -> tuple[str, Path | None]:
    """The server's URL, and the folder whose server it is. Raises `Unreachable` when no server is known."""
    served = running(data)
    if url := os.environ.get("AEGIS_URL", "").strip().rstrip("/"):
        ours = served is not None and served.url.rstrip("/") == url
        return _checked(url), data if ours else None
    if served is None:
        raise Unreachable(f"no server runs on the data folder {data}", how_to_start(data))
    return _within(served.url.rstrip("/")), data


def _within(url: str) -> str:
    """A server that listens on every address is met on this machine's own."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def locate(data: Path, holder: Holder = "admin") -> Place:
    """Raises `Unreachable` when no server is known, `Failure` when there is no key for it."""
    url, folder = address(data)
    return Place(url, _credential(holder, folder, url), folder)


def is_local(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def how_to_start(data: Path) -> str:
    return f"what to do: start one with `aegis serve --data {data}`, or set AEGIS_URL and AEGIS_API_KEY"


def running(data: Path) -> Served | None:
    """The server of a data folder. A killed server leaves its file behind, and its port may be another program's by
    now: that one must not be shown our key."""
    try:
        served = msgspec.json.decode((data / "server.json").read_bytes(), type=Served)
    except (OSError, msgspec.MsgspecError):
        return None
    return served if _alive(served.pid) else None


def _alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        # A password in an address would take the key's place, and be shown in messages.
        fits = fits and "@" not in parts.netloc and not (parts.query or parts.fragment)
    except ValueError:
        fits = False
    if not fits:
        raise Failure(Exit.USAGE, "AEGIS_URL is not an address such as https://aegis.example.com")
    return url


def _credential(holder: Holder, folder: Path | None, url: str) -> str:
    """The variable's key; else the folder's, which is never sent to another address than its own server's."""
    variable = _VARIABLES[holder]
    key = os.environ.get(variable, "").strip() or (_key_in(folder / _FILES[holder]) if folder else "")
    if not key:
        where = f" and {folder / _FILES[holder]} cannot be read" if folder else ""
        raise Failure(
            Exit.NOT_ALLOWED,
            f"there is no {'operator ' if holder == 'operator' else ''}key for {url}: {variable} is not set{where}",
            f"what to do: set {variable}",
        )
    if not (key.isascii() and key.isprintable()):
        raise Failure(Exit.NOT_ALLOWED, "the key has characters that no key has", f"what to do: check {variable}")
    return key


def _key_in(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
