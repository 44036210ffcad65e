"""The stores that promises are tested over, by the name of their backend, and how another process opens them.

The command line chooses the backends (`tests.backends`); every promise has to hold for each of them.
"""

import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache, partial
from pathlib import Path

import pytest

from shared.blobs.folder import FolderBlobs
from shared.blobs.port import Blobs
from shared.blobs.s3 import S3Blobs
from shared.redis.client import RedisClient
from shared.redis.connection import over_url
from shared.redis.valkey import binary
from tests.cluster.seaweed import empty

ANSWER_LIMIT_S = 20
"""How long a test waits for a Redis or an S3 that is there: the machine may have other work."""

BLOBS: dict[str, Callable[[str], Blobs]] = {
    "embedded": lambda place: FolderBlobs(Path(place)),
    "s3": cache(partial(S3Blobs, answer_s=ANSWER_LIMIT_S)),
}
"""Opens the blobs at a place: a folder or a bucket."""


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server for all tests of a process, each of which finds it empty."""
    folder = tmp_path_factory.mktemp("valkey")
    place = folder / "s"
    command = [
        str(binary()),
        "--port",
        "0",
        "--unixsocket",
        str(place),
        "--save",
        "",
        "--dir",
        str(folder),
        "--hz",
        "500",
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _listens(place):
            assert server.poll() is None, "Valkey does not start"
            time.sleep(0.005)
        yield f"unix://{place}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """The address of the backend's Redis."""
    return str(request.getfixturevalue({"embedded": "valkey", "redis": "cluster_redis"}[request.param]))


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[RedisClient]:
    opened = over_url(redis_url, answer_s=ANSWER_LIMIT_S)
    await opened.call("FLUSHDB")
    yield opened
    await opened.call("FLUSHDB")
    await opened.close()


@pytest.fixture
def blobs_place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The name of the backend and an empty place in it."""
    if request.param == "s3":
        bucket = request.getfixturevalue("cluster_s3")
        empty(bucket)
        return "s3", bucket
    return request.param, str(tmp_path / "blobs")


@pytest.fixture
async def blobs(blobs_place: tuple[str, str]) -> Blobs:
    backend, place = blobs_place
    opened = BLOBS[backend](place)
    await opened.prepare()
    return opened


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0
