"""The fake in a thread of its own, for tests that wait for another process and do not run an event loop."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from tests.ollama.server import FakeOllama


class Threaded:
    """`fake` may be read from outside; what changes it goes through `run`."""

    def __init__(self, fake: FakeOllama, loop: asyncio.AbstractEventLoop) -> None:
        self.fake = fake
        self._loop = loop

    @property
    def url(self) -> str:
        return self.fake.url

    def run(self, work: Coroutine[Any, Any, Any], within_s: float = 60) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within_s)

    def until(self, holds: Callable[[FakeOllama], bool], within_s: float = 60) -> None:
        self.run(self.fake.until(holds), within_s)


@contextmanager
def serving(*fakes: FakeOllama) -> Iterator[list[Threaded]]:
    """Started when this is entered, cut off when it is left."""
    started: Future[asyncio.AbstractEventLoop] = Future()
    stop = asyncio.Event()

    async def serve() -> None:
        for fake in fakes:
            await fake.__aenter__()
        started.set_result(asyncio.get_running_loop())
        await stop.wait()
        for fake in fakes:
            await fake.__aexit__()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    loop = started.result(60)
    try:
        yield [Threaded(fake, loop) for fake in fakes]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
