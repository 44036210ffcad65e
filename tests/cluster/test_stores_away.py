"""Redis or S3 frozen, cut off, slow, killed or emptied: calls end within a second, and work soon after it is back."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import pytest

from shared.access.accounts import Accounts
from shared.access.credentials import Credentials
from shared.access.gate import Gate
from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.blobs.s3 import S3Blobs
from shared.records.records import TenantRecords
from shared.redis.client import RedisClient
from shared.redis.connection import over_url
from shared.redis.leases import Leases
from shared.types.errors import StoreUnavailable
from tests.cluster.proxy import Proxy
from tests.cluster.redis_server import RedisServer
from tests.cluster.seaweed import SeaweedServer

BUCKET = "aegis-away"
LARGE = 3 * 1024 * 1024
Call = Callable[[], Awaitable[Any]]


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def seaweed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    server = SeaweedServer(tmp_path_factory.mktemp("s3"))
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environ.items():
            patch.setenv(name, value)
        yield server
    server.kill()


@pytest.fixture
async def to_redis(redis_server: RedisServer) -> AsyncIterator[Proxy]:
    async with Proxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
async def to_s3(seaweed: SeaweedServer) -> AsyncIterator[Proxy]:
    async with Proxy(seaweed.ports["s3.port"]) as proxy:
        yield proxy


@pytest.fixture
async def redis(to_redis: Proxy) -> AsyncIterator[RedisClient]:
    opened = over_url(f"redis://127.0.0.1:{to_redis.port}/0")
    await opened.call("FLUSHALL")
    yield opened
    await opened.close()


@pytest.fixture
async def blobs(to_s3: Proxy) -> AsyncIterator[S3Blobs]:
    opened = S3Blobs(BUCKET, endpoint=f"http://127.0.0.1:{to_s3.port}")
    await opened.prepare()
    yield opened
    await opened.close()


def calls_of_redis(redis: RedisClient) -> dict[str, Call]:
    return {
        "call": lambda: redis.call("GET", "x"),
        "batch": lambda: redis.batch([("INCR", "x"), ("INCR", "y")]),
        "ping": redis.ping,
        "lease": lambda: hold(Leases(redis)),
        "scan": lambda: all_of(redis.scan("*")),
    }


def calls_of_blobs(blobs: Blobs, file: Path) -> dict[str, Call]:
    return {
        "read": lambda: blobs.read("t/there"),
        "stream": lambda: all_of(blobs.stream("t/there")),
        "write": lambda: blobs.write("t/written", b"x"),
        "write much": lambda: blobs.write("t/much", bytes(LARGE)),
        "create": lambda: blobs.create("t/created", b"x"),
        "adopt": lambda: blobs.adopt("t/adopted", file),
        "names": lambda: blobs.names("t/"),
        "folders": lambda: blobs.folders("t/"),
        "erase": lambda: blobs.erase("t/nothing"),
        "erase all": lambda: blobs.erase_all("t/nothing/"),
        "ping": blobs.ping,
    }


async def all_of(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


async def hold(leases: Leases) -> None:
    async with leases.hold("one"):
        pass


async def all_end_unavailable(store: str, calls: dict[str, Call]) -> None:
    """As the first of their kind and as later ones, few and many at once."""
    for names in (list(calls), [name for name in calls for _ in range(10)], list(calls)):
        async with lateness() as late_s:
            ended = await asyncio.gather(*(how_it_ends(store, calls[name]) for name in names))
        wrong = {name: end for name, end in zip(names, ended, strict=True) if end == "answered" or end > 1 + late_s[0]}
        assert wrong == {}


async def how_it_ends(store: str, call: Call) -> float | Literal["answered"]:
    """The seconds after which the store is said to be away."""
    started = time.monotonic()
    try:
        await call()
    except StoreUnavailable as error:
        assert error.store == store
        return time.monotonic() - started
    return "answered"


@asynccontextmanager
async def lateness() -> AsyncIterator[list[float]]:
    """By how many seconds at most this machine, which may have much to do, woke us too late."""
    worst = [0.0]

    async def watch() -> None:
        while True:
            asleep = time.monotonic()
            await asyncio.sleep(0.01)
            worst[0] = max(worst[0], time.monotonic() - asleep - 0.01)

    watching = asyncio.create_task(watch())
    yield worst
    watching.cancel()


async def all_work_soon(calls: dict[str, Call], within_s: float = 60) -> None:
    until = time.monotonic() + within_s
    for call in calls.values():
        while True:
            try:
                await call()
                break
            except StoreUnavailable:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)


@asynccontextmanager
async def frozen(server: RedisServer | SeaweedServer, proxy: Proxy) -> AsyncIterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@asynccontextmanager
async def killed(server: RedisServer | SeaweedServer, proxy: Proxy) -> AsyncIterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()


@asynccontextmanager
async def cut_off(server: RedisServer | SeaweedServer, proxy: Proxy) -> AsyncIterator[None]:
    await proxy.cut()
    try:
        yield
    finally:
        await proxy.restore()


@asynccontextmanager
async def swallowed(server: RedisServer | SeaweedServer, proxy: Proxy) -> AsyncIterator[None]:
    await proxy.drop_data()
    try:
        yield
    finally:
        await proxy.restore()


@asynccontextmanager
async def slow(server: RedisServer | SeaweedServer, proxy: Proxy) -> AsyncIterator[None]:
    proxy.delay_s = 2
    try:
        yield
    finally:
        await proxy.restore()


AWAY = pytest.mark.parametrize("away", [frozen, killed, cut_off, swallowed, slow], ids=lambda away: away.__name__)


@AWAY
async def test_without_redis_every_call_ends_within_a_second_and_works_again_after(
    redis: RedisClient, redis_server: RedisServer, to_redis: Proxy, away: Any
) -> None:
    calls = calls_of_redis(redis)
    await all_work_soon(calls)
    async with away(redis_server, to_redis):
        await all_end_unavailable("counters", calls)
    await all_work_soon(calls)


@AWAY
async def test_without_s3_every_call_ends_within_a_second_and_works_again_after(
    blobs: S3Blobs, seaweed: SeaweedServer, to_s3: Proxy, tmp_path: Path, away: Any
) -> None:
    file = tmp_path / "spooled"
    file.write_bytes(bytes(LARGE))
    await blobs.write("t/there", b"x")
    calls = calls_of_blobs(blobs, file)
    async with away(seaweed, to_s3):
        await all_end_unavailable("blobs", calls)
        assert file.exists(), "given up for lost before it was taken over"
    await all_work_soon(calls)
    assert not file.exists()


async def test_an_emptied_redis_never_makes_a_known_key_unknown(
    redis: RedisClient, redis_server: RedisServer, tmp_path: Path
) -> None:
    gate, accounts = gate_over(FolderBlobs(tmp_path / "blobs"), redis)
    tenant = await accounts.create_tenant("a tenant", "pro")
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    admitted = flushed = 0

    async def knock() -> None:
        nonlocal admitted
        while admitted <= 40 or flushed < 20:
            with suppress(StoreUnavailable):  # emptied twice within one call
                principal, limits = await gate.admit(key, "reads")
                assert principal.tenant_id == tenant.tenant_id
                assert limits.limit == 1000
                admitted += 1

    callers = [asyncio.create_task(knock()) for _ in range(4)]
    async with asyncio.timeout(120):
        while not all(caller.done() for caller in callers):
            await asyncio.sleep(0.01)
            await asyncio.to_thread(redis_server.flush)
            flushed += 1
        await asyncio.gather(*callers)


async def test_a_restarted_redis_lets_known_keys_in_and_revoked_ones_stay_out(
    redis: RedisClient, redis_server: RedisServer, tmp_path: Path
) -> None:
    gate, accounts = gate_over(FolderBlobs(tmp_path / "blobs"), redis)
    tenant = await accounts.create_tenant("a tenant", "enterprise")
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    revoked_record, revoked = await accounts.create_key(tenant.tenant_id, "another", "admin")
    await gate.admit(revoked, "default")
    await accounts.revoke_key(tenant.tenant_id, revoked_record.key_id)
    redis_server.restart()
    await all_work_soon({"known": lambda: gate.admit(key, "default")})
    with pytest.raises(Exception, match="not known"):
        await gate.admit(revoked, "default")


async def test_without_redis_or_ledger_a_key_is_neither_let_in_nor_called_unknown(
    redis: RedisClient, blobs: S3Blobs, redis_server: RedisServer, to_redis: Proxy, to_s3: Proxy
) -> None:
    gate, accounts = gate_over(blobs, redis)
    tenant = await accounts.create_tenant("a tenant", "enterprise")
    _, key = await accounts.create_key(tenant.tenant_id, "a key", "admin")
    await to_s3.cut()
    await all_end_unavailable("blobs", {"admit": lambda: gate.admit(key, "default")})
    await to_redis.cut()
    await all_end_unavailable("counters", {"admit": lambda: gate.admit(key, "default")})
    await to_s3.restore()
    await to_redis.restore()
    await all_work_soon({"known": lambda: gate.admit(key, "default")})


async def test_a_ledger_that_lost_its_store_for_a_while_has_lost_nothing(
    blobs: S3Blobs, seaweed: SeaweedServer, to_s3: Proxy
) -> None:
    records = TenantRecords(blobs, "ten_a")
    written: list[str] = []
    for number in range(40):
        if number == 10:
            seaweed.restart()
        try:
            written.append(await records.write("doc_a", 1, f"part/{number}", b"x" * 1000))
        except StoreUnavailable:
            await asyncio.sleep(0.05)
    assert len(written) >= 29
    for name in written:
        assert await records.read(name) == b"x" * 1000


def gate_over(blobs: Blobs, redis: RedisClient) -> tuple[Gate, Accounts]:
    accounts = Accounts(blobs, redis)
    return Gate(Credentials(accounts), redis), accounts
