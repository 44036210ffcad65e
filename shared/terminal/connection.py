"""Finds the server and its key: from the environment, or else from the data folder."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from shared.terminal.errors import CommandError, ExitCode, Unreachable


class Connection(Struct, frozen=True):
    """A server and the credential for it; `folder` where the data folder named it."""

    url: str
    credential: str
    folder: Path | None = None


class RunningServer(Struct, frozen=True):
    """The content of `server.json`, which `aegis serve` writes into its folder while it runs."""

    url: str
    pid: int


def connection_for(data: Path, *, operator: bool = False) -> Connection:
    """Raises `Unreachable` when no server is known, `CommandError` when there is no key for it."""
    url, folder = server_url(data)
    return Connection(url, _credential(operator, folder, url), folder)


def server_url(data: Path) -> tuple[str, Path | None]:
    """The server's URL, and the folder whose server it is. Raises `Unreachable` when no server is known."""
    server = running_server(data)
    if url := os.environ.get("AEGIS_URL", "").strip().rstrip("/"):
        is_ours = server is not None and server.url.rstrip("/") == url
        return _valid_url(url), data if is_ours else None
    if server is None:
        raise Unreachable(f"no server runs on the data folder {data}", start_hint(data))
    # A server that listens on every address is reached on this machine's own.
    url = server.url.rstrip("/").replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    return url, data


def running_server(data: Path) -> RunningServer | None:
    """The server of a data folder. A killed server leaves its file behind, and its port may belong to another program
    by now, which must not receive our key."""
    try:
        server = msgspec.json.decode((data / "server.json").read_bytes(), type=RunningServer)
    except (OSError, msgspec.MsgspecError):
        return None
    return server if _is_running(server.pid) else None


def is_local(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def start_hint(data: Path) -> str:
    return f"what to do: start one with `aegis serve --data {data}`, or set AEGIS_URL and AEGIS_API_KEY"


def _is_running(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _valid_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        # A password in the address would replace the key, and appear in messages.
        is_valid = is_valid and "@" not in parts.netloc and not (parts.query or parts.fragment)
    except ValueError:
        is_valid = False
    if not is_valid:
        raise CommandError(ExitCode.USAGE, "AEGIS_URL is not an address such as https://aegis.example.com")
    return url


def _credential(operator: bool, folder: Path | None, url: str) -> str:
    """The variable's key; else the folder's, which is never sent to another address than its own server's. An operator
    may have the key in AEGIS_API_KEY too."""
    variables = ["AEGIS_OPERATOR_KEY" if operator else "AEGIS_API_KEY"]
    key, missing = os.environ.get(variables[0], "").strip(), ""
    if not key and folder:
        file = folder / ("initial-operator-key" if operator else "initial-api-key")
        missing = f" and {file} cannot be read"
        try:
            key = file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            key = ""
    if not key and operator:
        variables.append("AEGIS_API_KEY")
        key = os.environ.get(variables[-1], "").strip()
    names = " or ".join(variables)
    if not key:
        kind = "operator key" if operator else "key"
        raise CommandError(
            ExitCode.NOT_ALLOWED,
            f"there is no {kind} for {url}: {names} is not set{missing}",
            f"what to do: set {names}",
        )
    if not (key.isascii() and key.isprintable()):
        raise CommandError(ExitCode.NOT_ALLOWED, "the key has invalid characters", f"what to do: check {names}")
    return key
