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
from collections.abc import Collection, Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from shared.table.table import load
from tests.cluster.broker import Broker
from tests.cluster.gateway import Gateway
from tests.cluster.proxy import Proxy
from tests.cluster.qdrant_running import WireServer
from tests.cluster.redis_server import RedisServer
from tests.cluster.seaweed import SeaweedServer
from tests.cluster.server import die_with_parent, free_ports
from tests.suite.running import Caller

AEGIS = Path(sys.executable).with_name("aegis")
_PASSED_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
    "LD_LIBRARY_PATH",
)
_STARTS_AT_ONCE = 3
"""Each takes a second of a core."""
_START_S = 60.0
_STOP_S = 25.0
_RUNNING_S = 0.15
"""About as long as a stage runs on a small document."""
_Result = TypeVar("_Result")


def clean_environ() -> dict[str, str]:
    """The environment variables that a container has."""
    return {name: os.environ[name] for name in _PASSED_VARIABLES if name in os.environ}


def table() -> list[dict[str, Any]]:
    """The functions of the table that start without a Neo4j: `test_graph_neo4j.py` has one."""
    completed = subprocess.run([AEGIS, "functions", "--json"], capture_output=True, check=True, env=clean_environ())
    items: list[dict[str, Any]] = json.loads(completed.stdout)["items"]
    without = {function.name for function in load().functions if "graph" in function.required}
    return [item for item in items if item["name"] not in without]


class FunctionProcess:
    """`aegis function NAME`; after a start it keeps its port."""

    def __init__(self, name: str, folder: Path, environ: dict[str, str]) -> None:
        self.name = name
        self.url = ""
        self._environ = environ
        self._out = folder / f"{name}.stdout"
        self._err = folder / f"{name}.stderr"
        self._process: subprocess.Popen[bytes] | None = None
        self._until = 0.0

    def launch(self) -> None:
        port = self.url.rpartition(":")[2] or str(free_ports(1)[0])
        environ = {**self._environ, "HOST": "127.0.0.1", "PORT": port}
        with self._out.open("wb") as out, self._err.open("ab") as err:
            self._process = subprocess.Popen(
                [AEGIS, "function", self.name],
                stdout=out,
                stderr=err,
                env=environ,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - two system calls, no lock
            )
        self._until = time.monotonic() + _START_S

    def listens(self) -> bool:
        """Whether it has printed that it is ready."""
        assert self._process
        assert self._process.poll() is None, f"{self.name} ended at its start:\n{self.log[-4000:]}"
        assert time.monotonic() < self._until, f"{self.name} is not ready:\n{self.log[-4000:]}"
        lines = self._out.read_text().splitlines()
        if not lines or not lines[-1].startswith("ready "):
            return False
        self.url = lines[-1].split()[1]
        return True

    def kill(self) -> None:
        """Ends it as the loss of its node does."""
        assert self._process
        self._process.kill()

    @property
    def is_dead(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def end(self) -> None:
        """Sends SIGTERM, as a cluster does."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def ended(self) -> int:
        """Its exit code."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    @property
    def log(self) -> str:
        return self._err.read_text(errors="replace") if self._err.exists() else ""


def start(functions: Iterable[FunctionProcess]) -> None:
    """Returns when all listen; a few start at a time."""
    waiting, starting = list(functions), list[FunctionProcess]()
    while waiting or starting:
        while waiting and len(starting) < _STARTS_AT_ONCE:
            starting.append(waiting.pop(0))
            starting[-1].launch()
        time.sleep(0.03)
        starting = [function for function in starting if not function.listens()]


@dataclass
class Stores:
    """Real servers; S3 and Qdrant are reached through proxies that can be cut."""

    redis: RedisServer
    s3: SeaweedServer
    qdrant: WireServer
    s3_line: Proxy
    qdrant_line: Proxy

    @classmethod
    def under(cls, folder: Path) -> "Stores":
        redis = RedisServer(folder / "redis")
        s3, qdrant = SeaweedServer(folder / "s3"), WireServer(folder / "qdrant")
        redis.start()
        s3.start()
        qdrant.start()
        return cls(redis, s3, qdrant, Proxy(s3.ports["s3.port"]), Proxy(qdrant.port))

    def stop(self) -> None:
        self.redis.kill()
        self.s3.kill()
        self.qdrant.kill()

    @property
    def environ(self) -> dict[str, str]:
        return {
            **self.s3.environ,
            "AEGIS_S3_BUCKET": "aegis",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.s3_line.port}",
            "AEGIS_REDIS_URL": self.redis.url,
            "AEGIS_QDRANT_URL": f"http://127.0.0.1:{self.qdrant_line.port}",
        }


class Suite:
    """All functions of the table, each in a process. Broker, gateway and proxies run in a thread of this one."""

    def __init__(self, folder: Path, stores: Stores, *, factor: float = 1.0, tick_s: float = 3.0) -> None:
        self.items = table()
        self.stores = stores
        self.broker = Broker(self.items, factor=factor, tick_s=tick_s)
        self.gateway = Gateway(self.items)
        self.keys: dict[str, str] = {}
        self.functions: dict[str, FunctionProcess] = {}
        self._folder = folder
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="broker and gateway", daemon=True)
        self._serving = AsyncExitStack()

    def __enter__(self) -> "Suite":
        self._thread.start()
        try:
            for one in (self.broker.serving(), self.gateway.serving(), self.stores.s3_line, self.stores.qdrant_line):
                self.call(self._serving.enter_async_context(one))
            self.keys = self.init()
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        codes = self.close()
        assert set(codes.values()) == {0}, codes

    def close(self) -> dict[str, int]:
        """The functions' exit codes."""
        for function in self.functions.values():
            function.end()
        codes = {name: function.ended() for name, function in self.functions.items()}
        self.call(self._serving.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        return codes

    def init(self) -> dict[str, str]:
        """Runs `aegis init`; returns operator_key, tenant_id and api_key where it created them."""
        completed = subprocess.run([AEGIS, "init", "--json"], capture_output=True, env=self.environ, text=True)
        assert completed.returncode == 0, completed.stderr
        made: dict[str, str] = json.loads(completed.stdout)
        return made

    @property
    def environ(self) -> dict[str, str]:
        return {
            **clean_environ(),
            **self.stores.environ,
            "K_SINK": self.broker.url,
            "AEGIS_EVENT_SECRET": "first:a secret for tests alone",
            "AEGIS_TRUSTED_PROXIES": "127.0.0.1",
        }

    def call(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Runs a coroutine on the loop of broker and gateway."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)

    def kill_each_once(self, chance: random.Random, within_s: float, running: Collection[str]) -> None:
        """Kills every process once and starts it again: those `running` while they handle an event, the others at any
        time."""
        for name in running:
            self._kill_when_called(self.functions[name], chance.uniform(0, _RUNNING_S))
        others = self.functions.keys() - set(running)
        moments = {name: time.monotonic() + chance.uniform(0, within_s) for name in sorted(others)}
        waiting, starting = dict(self.functions), list[FunctionProcess]()
        until = time.monotonic() + within_s + 4 * _START_S  # the last stage is called once those before it ran again
        while waiting or starting:
            assert time.monotonic() < until, (
                f"still alive: {list(waiting)}, not ready: {[one.name for one in starting]}"
            )
            for name in [name for name, moment in moments.items() if moment <= time.monotonic()]:
                del moments[name]
                self.functions[name].kill()
            for function in [function for function in waiting.values() if function.is_dead]:
                del waiting[function.name]
                function.launch()
                starting.append(function)
            time.sleep(0.02)
            starting = [function for function in starting if not function.listens()]

    def _kill_when_called(self, function: FunctionProcess, after_s: float) -> None:
        self.broker.when_called[function.name] = lambda: self._kill_later(function, after_s)

    def _kill_later(self, function: FunctionProcess, after_s: float) -> None:
        self._loop.call_later(after_s, function.kill)

    def caller(self, key: str | None) -> Caller:
        return Caller(self.gateway.url, key, comes_again=False)

    def admin(self) -> Caller:
        """Of the tenant `default`."""
        return self.caller(self.keys["api_key"])

    def direct(self, function: str, key: str | None = None) -> Caller:
        """A caller of one function without the gateway."""
        return Caller(self.functions[function].url, key, comes_again=False)

    def _start(self) -> None:
        names = [item["name"] for item in self.items]
        self.functions = {name: FunctionProcess(name, self._folder, self.environ) for name in names}
        start(self.functions.values())
        for name, function in self.functions.items():
            self.broker.send_to(name, function.url)
            self.gateway.urls[name] = function.url
