"""The embedded Valkey: frozen, killed, on a long path, and gone when we are."""

import asyncio
import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.redis.client import RedisClient
from shared.redis.valkey import ValkeyServer
from shared.types.errors import StoreUnavailable
from tests.stores import ANSWER_LIMIT_S
from tests.timing import within


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ValkeyServer]:
    opened = ValkeyServer(tmp_path / "counters")
    await opened.start()
    yield opened
    await opened.close()


async def pid_of(server: ValkeyServer) -> int:
    redis = server.redis(answer_s=ANSWER_LIMIT_S)
    info = await redis.call("INFO", "server")
    await redis.close()
    return int(info.partition("process_id:")[2].split()[0])


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def answered(redis: RedisClient, *command: str) -> Any:
    """What Redis answers as soon as it does."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(StoreUnavailable):
                return await redis.call(*command)
            await asyncio.sleep(0.05)


async def test_a_frozen_server_is_unavailable_within_a_second_and_answers_when_it_thaws(server: ValkeyServer) -> None:
    redis, pid = server.redis(connections=4), await pid_of(server)
    await redis.call("SET", "n", 1)
    os.kill(pid, signal.SIGSTOP)
    try:
        with within(1):
            answers = await asyncio.gather(*(redis.call("INCR", "n") for _ in range(3)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
        with within(1), pytest.raises(StoreUnavailable):
            await redis.batch([("INCR", "n")])
    finally:
        os.kill(pid, signal.SIGCONT)
    assert await answered(redis, "GET", "n") is not None
    await redis.close()


async def test_more_callers_than_connections_are_told_within_a_second_each_when_it_is_frozen(
    server: ValkeyServer,
) -> None:
    redis, pid = server.redis(connections=2), await pid_of(server)
    await redis.ping()
    os.kill(pid, signal.SIGSTOP)
    try:
        with within(1.5):
            answers = await asyncio.gather(*(redis.ping() for _ in range(50)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreUnavailable}
    finally:
        os.kill(pid, signal.SIGCONT)
    await redis.close()


async def test_a_killed_server_comes_back_by_itself_with_all_it_had_told_of(server: ValkeyServer) -> None:
    redis = server.redis(answer_s=ANSWER_LIMIT_S)
    for number in range(100):
        await redis.call("RPUSH", "list", number)
    pid = await pid_of(server)
    os.kill(pid, signal.SIGKILL)
    assert await answered(redis, "LLEN", "list") == 100
    assert await pid_of(server) != pid
    await redis.close()


async def test_a_server_that_cannot_be_started_for_a_while_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restarts: list[Exception | None] = []
    server = ValkeyServer(tmp_path / "counters", restarts.append)
    await server.start()

    async def no_descriptor(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    redis = server.redis(answer_s=ANSWER_LIMIT_S)
    with monkeypatch.context() as patch:
        patch.setattr(asyncio, "create_subprocess_exec", no_descriptor)
        os.kill(await pid_of(server), signal.SIGKILL)
        async with asyncio.timeout(60):
            while len(restarts) < 2:
                await asyncio.sleep(0.05)
    assert await answered(redis, "PING")
    await redis.close()
    await server.close()
    assert isinstance(restarts[0], OSError)


async def test_it_opens_no_port_and_lets_only_its_owner_in(server: ValkeyServer) -> None:
    redis = server.redis(answer_s=ANSWER_LIMIT_S)
    assert dict([await redis.call("CONFIG", "GET", "port")]) == {"port": "0"}
    assert server.socket.stat().st_mode & 0o777 == 0o700
    await redis.close()


async def test_a_path_longer_than_a_socket_may_have_is_no_hindrance(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path / ("x" * 90) / ("y" * 90) / "counters")
    await server.start()
    redis = server.redis(answer_s=ANSWER_LIMIT_S)
    assert await redis.call("SET", "n", 1) == "OK"
    await redis.close()
    await server.close()


async def test_what_it_kept_is_there_after_a_close_and_a_start(tmp_path: Path) -> None:
    for expected in (1, 2):
        server = ValkeyServer(tmp_path / "counters")
        await server.start()
        redis = server.redis(answer_s=ANSWER_LIMIT_S)
        assert await redis.call("INCR", "starts") == expected
        await redis.close()
        await server.close()


async def test_a_closed_server_is_gone_and_stays_gone(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path / "counters")
    await server.start()
    pid = await pid_of(server)
    await server.close()
    await asyncio.sleep(0.4)
    assert not is_alive(pid)
    assert not server.socket.exists()


_OWNER = """
import asyncio, sys
from pathlib import Path
from shared.redis.valkey import ValkeyServer

async def main():
    server = ValkeyServer(Path(sys.argv[1]))
    await server.start()
    redis = server.redis(answer_s=20)
    await redis.call("SET", "kept", "yes")
    print((await redis.call("INFO", "server")).partition("process_id:")[2].split()[0], flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_it_dies_with_its_owner_and_the_next_owner_finds_everything(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", _OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.communicate()
    until = time.monotonic() + 60
    while is_alive(pid):
        assert time.monotonic() < until, "the server outlived its owner"
        await asyncio.sleep(0.02)
    successor = ValkeyServer(tmp_path)
    await successor.start()
    redis = successor.redis(answer_s=ANSWER_LIMIT_S)
    assert await redis.call("GET", "kept") == "yes"
    await redis.close()
    await successor.close()


async def test_its_memory_has_a_limit_and_nothing_is_dropped_for_it(server: ValkeyServer) -> None:
    redis = server.redis(answer_s=ANSWER_LIMIT_S)
    _, limit = await redis.call("CONFIG", "GET", "maxmemory")
    assert 256 << 20 <= int(limit) <= max(256 << 20, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)
    assert await redis.call("CONFIG", "GET", "maxmemory-policy") == ["maxmemory-policy", "noeviction"]
    await redis.close()
