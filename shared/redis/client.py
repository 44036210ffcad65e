"""A thin Redis client: commands, transactions and scripts, on one primary.

It is no port: callers use Redis' own commands, each on the keys of its own noun, whose names are written in one module.
Nothing is stored in Redis alone: what it loses is read again from the records.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any, Self

from msgspec import Struct
from redis import exceptions as redis_errors
from redis.asyncio import Redis

from shared.types.errors import StoreFull, StoreUnavailable

ANSWER_S = 0.5
"""Seconds that an answer may take, the wait for a free connection included."""
_FULL_RETRY_S = 60
_UNABLE = (redis_errors.ReadOnlyError, redis_errors.ClusterDownError)
_NOT_WRITTEN = "MISCONF "
"""Begins every refusal of a server that could not write its file."""
_UNABLE_PREFIXES = ("BUSY ", "NOREPLICAS ")
RedisWord = str | int | float | bytes


class Script(Struct, frozen=True, dict=True):
    """A Lua script; its text is sent only where the server does not have it yet."""

    text: str

    @cached_property
    def sha(self) -> str:
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class RedisClient:
    """Commands over a `redis.asyncio.Redis` that decodes text and speaks RESP2: maps come as flat lists.

    Every method raises `StoreUnavailable` when Redis does not answer in time; what was sent may then have been done
    or not. It is `StoreFull` where Redis cannot write its file.
    """

    def __init__(self, client: Redis, answer_s: float = ANSWER_S) -> None:
        """`client` has no time-outs of its own; `answer_s` limits the wait for a connection and for the answer.

        Connections are given in the order of the calls, which a pool of redis-py does not do by itself.
        """
        client.response_callbacks.clear()  # answers stay as the server sends them
        self._client = client
        self._answer_s = answer_s
        self._connections = asyncio.Semaphore(client.connection_pool.max_connections)
        self._execute: Callable[..., Awaitable[Any]] = client.execute_command

    @classmethod
    def over(cls, other: "RedisClient") -> Self:
        """A client of this class over the connections of another, with its time limit."""
        return cls(other._client, other._answer_s)

    async def call(self, *command: RedisWord) -> Any:
        """Sends one command and returns its answer."""
        async with _translated(self._answer_s), self._connections:
            return await self._execute(*command)

    async def batch(self, commands: Sequence[Sequence[RedisWord]]) -> list[Any]:
        """Sends commands as one transaction and returns their answers."""
        async with _translated(self._answer_s), self._connections:
            pipe = self._client.pipeline(transaction=True)
            for command in commands:
                pipe.execute_command(*command)
            return list(await pipe.execute())

    async def run(self, script: Script, keys: Sequence[str] = (), arguments: Sequence[RedisWord] = ()) -> Any:
        async with _translated(self._answer_s), self._connections:
            try:
                return await self._execute("EVALSHA", script.sha, len(keys), *keys, *arguments)
            except redis_errors.NoScriptError:
                return await self._execute("EVAL", script.text, len(keys), *keys, *arguments)

    async def scan(self, pattern: str) -> AsyncIterator[str]:
        """The keys that match the pattern, each at least once."""
        cursor = "0"
        while True:
            cursor, keys = await self.call("SCAN", cursor, "MATCH", pattern, "COUNT", 500)
            for key in keys:
                yield key
            if cursor == "0":
                return

    async def ping(self) -> None:
        await self.call("PING")

    async def close(self) -> None:
        await self._client.aclose()


def pairs(flat: Sequence[Any]) -> list[tuple[Any, Any]]:
    """A map as RESP2 sends it: name, value, name, value."""
    return list(zip(flat[::2], flat[1::2], strict=True))


@asynccontextmanager
async def _time_limit(seconds: float) -> AsyncIterator[None]:
    """Raises `TimeoutError`. A delay of our own event loop does not count: the answer may be there, unread."""
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    async with asyncio.timeout(None) as limit:
        look = loop.call_at(due, lambda: limit.reschedule(loop.time() + min(loop.time() - due, seconds)))
        try:
            yield
        finally:
            look.cancel()


@asynccontextmanager
async def _translated(answer_s: float) -> AsyncIterator[None]:
    try:
        async with _time_limit(answer_s):
            yield
    except (redis_errors.AuthenticationError, redis_errors.NoPermissionError) as error:
        raise StoreUnavailable("counters", f"Redis refuses the credentials ({type(error).__name__})") from error
    except (redis_errors.ConnectionError, redis_errors.TimeoutError, OSError) as error:
        raise StoreUnavailable("counters", f"Redis does not answer ({type(error).__name__})") from error
    except redis_errors.OutOfMemoryError as error:
        detail = "Redis is full (`maxmemory`): it reads and deletes, and stores nothing"
        raise StoreUnavailable("counters", detail, retry_after=_FULL_RETRY_S) from error
    except redis_errors.ResponseError as error:
        if _NOT_WRITTEN in str(error):
            raise StoreFull("counters", "Redis cannot write its file; it reads, and stores nothing") from error
        if isinstance(error, _UNABLE) or any(word in str(error) for word in _UNABLE_PREFIXES):
            # Only its type is named: in a transaction its message quotes the command.
            raise StoreUnavailable("counters", f"Redis cannot take commands ({type(error).__name__})") from error
        raise
