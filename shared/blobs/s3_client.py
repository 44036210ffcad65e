"""Clients of S3 by boto3, with threads of their own, and what their errors say."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from shared.types.errors import StoreUnavailable

PAUSE_S = 0.05
"""Before a call that failed is made again."""
_SETTING_UP_S = 15.0  # importing the client, finding credentials; once
_PASSING = (500, 502, 503, 504)
_R = TypeVar("_R")


class S3Clients:
    """Makes clients of one session: the second takes a tenth of the first's time."""

    def __init__(self, endpoint: str | None) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._session: Any = None

    def make(self, settings: dict[str, Any]) -> Any:
        import boto3.session
        from botocore.config import Config

        with self._lock:
            self._session = self._session or boto3.session.Session()
            return self._session.client("s3", endpoint_url=self._endpoint, config=Config(**settings))


class S3Lane:
    """A client with threads of its own, so that long transfers never hold up short calls."""

    def __init__(self, clients: S3Clients, *, threads: int, connect_s: float, read_s: float, attempts: int) -> None:
        self._clients = clients
        self._settings: dict[str, Any] = {
            "connect_timeout": connect_s,
            "read_timeout": read_s,
            "max_pool_connections": threads,
            "retries": {"total_max_attempts": attempts, "mode": "standard"},
        }
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="s3")
        self._lock = threading.Lock()
        self._client: Any = None

    async def run(self, work: Callable[[Any], _R], within_s: float, *, repeatable: bool = True) -> _R:
        """Calls `work` with the client. A failure that may pass is retried once, where that is safe."""
        if self._client is None:
            await self._in_thread(self._connect, _SETTING_UP_S)
        call = (lambda: _twice(work, self._client, within_s / 3)) if repeatable else (lambda: work(self._client))
        return await self._in_thread(call, within_s)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._client:
            self._client.close()

    async def _in_thread(self, work: Callable[[], _R], within_s: float) -> _R:
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            await asyncio.wait([future], timeout=max(within_s, 0))
            if not future.done():
                raise StoreUnavailable("blobs", "S3 does not answer in time")
            return future.result()
        finally:
            future.cancel()  # leaves the queue of threads, where it still stands there

    def _connect(self) -> None:
        with self._lock:
            self._client = self._client or self._clients.make(self._settings)


def _twice(work: Callable[[Any], _R], client: Any, soon_s: float) -> _R:
    started = time.monotonic()
    try:
        return work(client)
    except client_errors() as error:
        from botocore.exceptions import ConnectionClosedError

        may_pass = isinstance(error, ConnectionClosedError) or error_status(error) in _PASSING
        if not may_pass or time.monotonic() - started > soon_s:
            raise
    time.sleep(PAUSE_S)
    return work(client)


def client_errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def response_of(error: Any) -> dict[str, Any]:
    """The server's answer; empty where there was none."""
    return getattr(error, "response", None) or {}


def error_code(error: Exception) -> str:
    return str(response_of(error).get("Error", {}).get("Code", ""))


def error_status(error: Exception) -> int:
    return int(response_of(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
