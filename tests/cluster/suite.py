"""The suite as a cluster runs it: one process for each function, over real servers, a broker and a gateway."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tests.cluster.broker import Broker
from tests.cluster.gateway import Gateway
from tests.suite.running import Caller

AEGIS = Path(sys.executable).with_name("aegis")
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH")
_STARTS_AT_ONCE = 3
_START_S = 60.0
_STOP_S = 25.0
_Result = TypeVar("_Result")


def clean_environ() -> dict[str, str]:
    """What a container has of its surroundings."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def table() -> list[dict[str, Any]]:
    """What the suite tells of itself."""
    told = subprocess.run([AEGIS, "functions", "--json"], capture_output=True, check=True, env=clean_environ())
    items: list[dict[str, Any]] = json.loads(told.stdout)["items"]
    return items


class FunctionProcess:
    """`aegis function NAME`; after a start it keeps its port."""

    def __init__(self, name: str, folder: Path, environ: dict[str, str]) -> None:
        self.name = name
        self.url = ""
        self._environ = environ
        self._out = folder / f"{name}.stdout"
        self._err = folder / f"{name}.stderr"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when the function listens."""
        port = self.url.rpartition(":")[2] or "0"
        with self._out.open("wb") as out, self._err.open("ab") as err:
            command = [str(AEGIS), "function", self.name]
            environ = {**self._environ, "HOST": "127.0.0.1", "PORT": port}
            self._process = subprocess.Popen(command, stdout=out, stderr=err, env=environ)
        until = time.monotonic() + _START_S
        while not (line := self._ready_line()):
            assert self._process.poll() is None, f"{self.name} ended at its start:\n{self.log[-4000:]}"
            assert time.monotonic() < until, f"{self.name} is not ready:\n{self.log[-4000:]}"
            time.sleep(0.03)
        self.url = line.split()[1]

    def kill(self) -> None:
        """As a lost node does."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """As a cluster does; the exit code."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(_STOP_S)
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def log(self) -> str:
        return self._err.read_text(errors="replace") if self._err.exists() else ""

    def _ready_line(self) -> str:
        lines = self._out.read_text().splitlines()
        return lines[-1] if lines and lines[-1].startswith("ready ") else ""


class Suite:
    """All functions of the table on the stores that `stores` (variables) names. Broker and gateway live in a thread
    of this process."""

    def __init__(self, folder: Path, stores: dict[str, str], *, factor: float = 0.5, tick_s: float = 3.0) -> None:
        self.items = table()
        self.broker = Broker(self.items, factor=factor, tick_s=tick_s)
        self.gateway = Gateway(self.items)
        self.keys: dict[str, str] = {}
        self._folder = folder
        self._stores = stores
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker and gateway", daemon=True)
        self._serving = AsyncExitStack()
        self.functions: dict[str, FunctionProcess] = {}

    def __enter__(self) -> "Suite":
        self._thread.start()
        try:
            self.call(self._serving.enter_async_context(self.broker.serving()))
            self.call(self._serving.enter_async_context(self.gateway.serving()))
            self.keys = self.init()
            self._start_all()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with ThreadPoolExecutor(_STARTS_AT_ONCE) as pool:
            self.exit_codes = list(pool.map(lambda function: function.stop(), self.functions.values()))
        self.call(self._serving.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def init(self) -> dict[str, str]:
        """`aegis init`: operator_key, tenant_id and api_key where it made them."""
        told = subprocess.run([AEGIS, "init", "--json"], capture_output=True, env=self.environ, text=True)
        assert told.returncode == 0, told.stderr
        made: dict[str, str] = json.loads(told.stdout)
        return made

    @property
    def environ(self) -> dict[str, str]:
        return {
            **clean_environ(),
            **self._stores,
            "K_SINK": self.broker.url,
            "AEGIS_EVENT_SECRET": "first:a secret for tests alone",
            "AEGIS_TRUSTED_PROXIES": "127.0.0.1",
        }

    def call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Runs something beside broker and gateway."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def kill_each_once(self, chance: random.Random, within_s: float) -> None:
        """Every process is killed at a moment of its own, and started again."""
        moments = sorted((chance.uniform(0, within_s), name) for name in self.functions)
        began = time.monotonic()
        with ThreadPoolExecutor(_STARTS_AT_ONCE) as pool:
            for moment, name in moments:
                time.sleep(max(0, began + moment - time.monotonic()))
                self.functions[name].kill()
                pool.submit(self.functions[name].start)
        for function in self.functions.values():
            assert function.pid and function.url

    def caller(self, key: str | None) -> Caller:
        return Caller(self.gateway.url, key)

    def admin(self) -> Caller:
        """Of the tenant `default`."""
        return self.caller(self.keys["api_key"])

    def direct(self, function: str, key: str | None = None) -> Caller:
        """A caller of one function without the gateway."""
        return Caller(self.functions[function].url, key)

    def _start_all(self) -> None:
        environ = self.environ
        self.functions = {item["name"]: FunctionProcess(item["name"], self._folder, environ) for item in self.items}
        with ThreadPoolExecutor(_STARTS_AT_ONCE) as pool:
            list(pool.map(lambda function: function.start(), self.functions.values()))
        for name, function in self.functions.items():
            self.broker.send_to(name, function.url)
            self.gateway.urls[name] = function.url
