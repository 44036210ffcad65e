"""Connections to a Redis: no silent retries, callers wait for a connection instead of failing.

`RedisClient` sets the time limits: those of redis-py can lose a cancellation on Python 3.11.
"""

from pathlib import Path

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import UnixDomainSocketConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shared.redis.client import ANSWER_S, RedisClient
from shared.types.errors import AegisError


class UnfitServer(AegisError):
    """The Redis cannot be used as it is configured; the message names the setting."""


def over_url(url: str, connections: int = 50, answer_s: float = ANSWER_S) -> RedisClient:
    """`redis://`, `rediss://` or `unix://`, with user, password and database as Redis' own programs take them.

    `answer_s` limits the wait for a free connection and for the answer, together.
    """
    pool = ConnectionPool.from_url(
        url,
        max_connections=connections,
        socket_timeout=None,
        socket_connect_timeout=None,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    )
    return RedisClient(Redis(connection_pool=pool), answer_s)


def over_socket(path: Path, connections: int = 50, answer_s: float = ANSWER_S) -> RedisClient:
    """A server on this machine, over its unix socket."""
    pool = ConnectionPool(
        connection_class=UnixDomainSocketConnection,
        path=str(path),
        max_connections=connections,
        socket_timeout=None,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    )
    return RedisClient(Redis(connection_pool=pool), answer_s)


async def check_server(redis: RedisClient) -> None:
    """Raises `UnfitServer` for a Redis on which counts or scripts would be wrong, `StoreUnavailable` for none."""
    answers = await redis.batch([("INFO", "cluster"), ("INFO", "memory")])
    fields = dict(line.split(":", 1) for line in "\n".join(answers).splitlines() if ":" in line)
    if fields.get("cluster_enabled") == "1":
        raise UnfitServer(
            "AEGIS_REDIS_URL names a Redis in cluster mode, where a script cannot reach all keys. "
            "Use one primary (`cluster-enabled no`), with replicas or Sentinel as you like."
        )
    policy = fields.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise UnfitServer(
            f"AEGIS_REDIS_URL names a Redis that may drop keys (`maxmemory-policy {policy}`). "
            "Set `maxmemory-policy noeviction`."
        )
