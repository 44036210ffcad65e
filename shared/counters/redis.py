"""Connections to a Redis: time-outs set, no silent retries, callers wait for a connection instead of failing."""

from pathlib import Path

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shared.counters.port import Counters

_ANSWER_S = 0.5


def over_url(url: str, connections: int = 50, answer_s: float = _ANSWER_S) -> Counters:
    """`redis://`, `rediss://` or `unix://`. `answer_s` bounds the wait for each answer."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=answer_s,
        socket_timeout=answer_s,
        socket_connect_timeout=answer_s,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    )
    return Counters(Redis(connection_pool=pool))


def over_socket(path: Path, connections: int = 50, answer_s: float = _ANSWER_S) -> Counters:
    """A server on this machine, by its unix socket."""
    pool = BlockingConnectionPool(
        connection_class=UnixDomainSocketConnection,
        path=str(path),
        max_connections=connections,
        timeout=answer_s,
        socket_timeout=answer_s,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    )
    return Counters(Redis(connection_pool=pool))
