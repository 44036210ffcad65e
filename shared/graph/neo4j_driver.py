"""The connection to a Neo4j server, 5.23 or newer, by its official driver, which is imported at the first call.

A transaction that fails for a moment (a deadlock, a leader that moved, a lost connection) is run again by the driver
for a while; after that, and for a server that does not answer, `StoreUnavailable` is raised.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from shared.graph.neo4j_queries import CONSTRAINTS
from shared.telemetry import metrics
from shared.types.deadlines import answered_within
from shared.types.errors import StoreUnavailable

if TYPE_CHECKING:  # heavy: see there
    from neo4j import AsyncDriver, AsyncManagedTransaction

READ_S = 5.0
WRITE_S = 30.0
_PREPARE_S = 60.0
_OPEN_S = 15.0
"""For the import of the driver, once."""
_CONNECT_S = 3.0
_CONNECTIONS = 32

_Answer = TypeVar("_Answer")
Rows = list[list[Any]]


class Transaction:
    """Queries of one transaction of a tenant."""

    def __init__(self, transaction: "AsyncManagedTransaction", tenant_id: str) -> None:
        self._transaction = transaction
        self._tenant_id = tenant_id

    async def rows(self, query: str, /, **parameters: Any) -> Rows:
        result = await self._transaction.run(query, {**parameters, "tenant": self._tenant_id})
        found: Rows = [list(record.values()) async for record in result]
        return found

    async def rows_for(self, query: str, name: str, values: Sequence[Any], /, **parameters: Any) -> Rows:
        """The rows that the query collects for a list of values; it is not run for an empty one."""
        found = await self.rows(query, **{name: values}, **parameters) if values else []
        collected: Rows = found[0][0] if found else []
        return collected


TransactionWork = Callable[[Transaction], Awaitable[_Answer]]


class Neo4jServer:
    """A pool of connections, opened at the first call; the server is prepared before the first writing call, and again
    after an outage: it may come back empty."""

    def __init__(self, uri: str, user: str, password: str, *, answer_s: float = READ_S) -> None:
        self._uri = uri
        self._credential = (user, password)
        self._answer_s = answer_s
        self._opening = asyncio.Lock()
        self._slots = asyncio.Semaphore(_CONNECTIONS)
        self._driver: AsyncDriver | None = None
        self._is_prepared = False
        self._is_closed = False
        self._in_use = self._most_in_use = 0

    async def read(self, tenant_id: str, work: TransactionWork[_Answer]) -> _Answer:
        async with self._used(self._answer_s) as driver, driver.session(default_access_mode="READ") as session:
            answer: _Answer = await session.execute_read(lambda one: work(Transaction(one, tenant_id)))
            return answer

    async def write(self, tenant_id: str, work: TransactionWork[_Answer]) -> _Answer:
        if not self._is_prepared:
            await self.prepare()
        async with self._used(WRITE_S) as driver, driver.session() as session:
            answer: _Answer = await session.execute_write(lambda one: work(Transaction(one, tenant_id)))
            return answer

    async def prepare(self) -> None:
        """Makes constraints and indexes; safe to repeat, and in several processes at once."""
        async with self._used(_PREPARE_S) as driver, driver.session() as session:
            for constraint in CONSTRAINTS:
                await (await session.run(constraint)).consume()
            await (await session.run("CALL db.awaitIndexes($seconds)", {"seconds": int(_PREPARE_S)})).consume()
        self._is_prepared = True

    async def ping(self) -> None:
        async with self._used(self._answer_s) as driver, driver.session() as session:
            await (await session.run("RETURN 1")).consume()

    async def close(self) -> None:
        async with self._opening:
            self._is_closed = True
            if self._driver is not None:
                await self._driver.close()
                self._driver = None

    @asynccontextmanager
    async def _used(self, seconds: float) -> AsyncIterator["AsyncDriver"]:
        """Yields the driver, for at most this long. Raises `StoreUnavailable` for errors of the server."""
        driver = await self._open()
        from neo4j.exceptions import DriverError, Neo4jError

        async with answered_within(seconds, "graph"), self._slots:
            self._show(1)
            try:
                yield driver
            except (DriverError, Neo4jError, OSError) as error:
                self._is_prepared = False
                raise StoreUnavailable("graph", _reason(error)) from error
            finally:
                self._show(-1)

    def _show(self, change: int) -> None:
        self._in_use += change
        self._most_in_use = max(self._most_in_use, self._in_use)
        metrics.show_pool("graph", self._in_use, self._most_in_use, {})

    async def _open(self) -> "AsyncDriver":
        if self._driver is not None and not self._is_closed:
            return self._driver
        async with answered_within(_OPEN_S, "graph", "the driver is not imported"), self._opening:
            if self._is_closed:
                raise StoreUnavailable("graph", "the graph is closed")
            if self._driver is None:
                await asyncio.to_thread(_import)
                self._driver = self._make()
            return self._driver

    def _make(self) -> "AsyncDriver":
        from neo4j import AsyncGraphDatabase, NotificationMinimumSeverity

        return AsyncGraphDatabase.driver(
            self._uri,
            auth=self._credential if self._credential[1] else None,
            max_connection_pool_size=_CONNECTIONS,
            connection_timeout=_CONNECT_S,
            connection_acquisition_timeout=_CONNECT_S,
            max_transaction_retry_time=WRITE_S / 2,
            initial_retry_delay=0.1,
            notifications_min_severity=NotificationMinimumSeverity.OFF,
            telemetry_disabled=True,
            user_agent="aegisrag",
        )


def _import() -> None:
    import neo4j  # noqa: F401 - at the first call, in a thread: the loop goes on meanwhile


def _reason(error: Exception) -> str:
    """What a reader of the log needs; the server's message may quote values."""
    code: str | None = getattr(error, "code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
