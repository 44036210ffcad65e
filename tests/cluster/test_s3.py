"""What S3 blobs promise beyond every world's promises: about buckets, parts, pages, and answers that mean something."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from shared.blobs import s3, s3_client
from shared.blobs.port import BlobMissing
from shared.blobs.s3 import S3Blobs, UnfitBucket
from shared.types.errors import DiskFull, StoreUnavailable
from tests.cluster.proxy import Proxy
from tests.cluster.seaweed import client, empty

LARGE = 20 * 1024 * 1024


@pytest.fixture
async def blobs(cluster_s3: str) -> AsyncIterator[S3Blobs]:
    empty(cluster_s3)
    opened = S3Blobs(cluster_s3)
    yield opened
    await opened.close()


class _Answering(BaseHTTPRequestHandler):
    """Gives every request the same answer."""

    protocol_version = "HTTP/1.1"
    status, body = 200, b""
    requests: list[str]

    def answer(self) -> None:
        self.requests.append(self.command)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer  # noqa: N815 - the names are http.server's

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


class _Answers(NamedTuple):
    url: str
    requests: list[str]


@pytest.fixture
def answering(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[_Answers]:
    """A server that answers all alike: a status and a code."""
    status, code = request.param
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "any")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any")
    body = f"<Error><Code>{code}</Code><Message>x</Message></Error>".encode() if code else b""
    requests: list[str] = []
    handler = type("Handler", (_Answering,), {"status": status, "body": body, "requests": requests})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield _Answers(f"http://127.0.0.1:{server.server_port}", requests)
    server.shutdown()
    server.server_close()


async def test_a_bucket_is_made_once_and_preparing_it_again_changes_nothing(blobs: S3Blobs, cluster_s3: str) -> None:
    await blobs.write("t/a", b"kept")
    await blobs.prepare()
    assert await blobs.names("t/") == ["t/a"]
    assert [entry["Key"] for entry in client().list_objects_v2(Bucket=cluster_s3)["Contents"]] == ["t/a"]


async def test_a_missing_bucket_says_what_to_do(cluster_s3: str) -> None:
    blobs = S3Blobs(f"{cluster_s3}-not")
    for call in (blobs.ping(), blobs.read("t/a"), blobs.write("t/a", b""), blobs.names("t/"), blobs.create("t/a", b"")):
        with pytest.raises(StoreUnavailable, match="aegis init"):
            await call
    await blobs.close()


async def test_credentials_that_open_nothing_are_named(cluster_s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    blobs = S3Blobs(cluster_s3)
    with pytest.raises(StoreUnavailable, match=r"refuses access.*SignatureDoesNotMatch"):
        await blobs.read("t/a")
    await blobs.close()


async def test_without_credentials_that_is_said(cluster_s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    blobs = S3Blobs(cluster_s3)
    with pytest.raises(StoreUnavailable, match="no AWS credentials"):
        await blobs.read("t/a")
    await blobs.close()


async def test_a_large_file_goes_up_in_parts_and_comes_back_whole(
    blobs: S3Blobs, cluster_s3: str, tmp_path: Path
) -> None:
    content = os.urandom(LARGE)
    file = tmp_path / "spooled"
    file.write_bytes(content)
    await blobs.adopt("t/large", file)
    assert not file.exists()
    assert await blobs.read("t/large") == content
    assert b"".join([piece async for piece in blobs.stream("t/large")]) == content
    assert "-" in client().head_object(Bucket=cluster_s3, Key="t/large")["ETag"], "not in parts"


async def test_a_transfer_that_breaks_leaves_the_file_and_no_half_blob(cluster_s3: str, tmp_path: Path) -> None:
    file = tmp_path / "spooled"
    file.write_bytes(os.urandom(LARGE))
    port = int(os.environ["AWS_ENDPOINT_URL_S3"].rpartition(":")[2])
    async with Proxy(port) as proxy:
        blobs = S3Blobs(cluster_s3, endpoint=f"http://127.0.0.1:{proxy.port}")
        await blobs.ping()
        adopting = asyncio.create_task(blobs.adopt("t/broken", file))
        await proxy.wait_for_bytes(LARGE // 2)
        await proxy.cut()
        with pytest.raises(StoreUnavailable):
            await adopting
        assert file.exists()
        await proxy.restore()
        with pytest.raises(BlobMissing):
            await blobs.read("t/broken")
        await blobs.adopt("t/broken", file)
        await blobs.close()


async def test_a_stream_that_breaks_is_unavailable_not_short(blobs: S3Blobs, cluster_s3: str) -> None:
    await blobs.write("t/large", os.urandom(LARGE))
    port = int(os.environ["AWS_ENDPOINT_URL_S3"].rpartition(":")[2])
    async with Proxy(port) as proxy:
        through = S3Blobs(cluster_s3, endpoint=f"http://127.0.0.1:{proxy.port}")
        stream = through.stream("t/large")
        await anext(stream)
        await proxy.cut()
        with pytest.raises(StoreUnavailable):
            async for _ in stream:
                pass
        await through.close()


async def test_lists_and_erasures_go_on_over_pages(blobs: S3Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_PAGE", 20)
    names = [f"t/many/{number:02}/x" for number in range(70)]
    await asyncio.gather(*(blobs.write(name, b"x") for name in names))
    assert await blobs.names("t/many/") == names
    assert await blobs.folders("t/many/") == [f"{number:02}" for number in range(70)]
    await blobs.erase_all("t/many/")
    assert await blobs.names("t/") == []
    assert await blobs.folders("t/") == []


FULL = [(507, "XMinioStorageFull"), (507, ""), (403, "QuotaExceeded")]


@pytest.mark.parametrize("answering", FULL, indirect=True, ids=str)
async def test_a_full_store_says_so(answering: _Answers) -> None:
    blobs = S3Blobs("bucket", endpoint=answering.url)
    with pytest.raises(DiskFull):
        await blobs.write("t/a", b"x")
    await blobs.close()


BUSY = [(503, "SlowDown"), (500, "InternalError"), (409, "ConditionalRequestConflict")]


class _PausedClock:
    """A clock that only pauses move, so that a busy machine changes nothing.

    `latest` is the latest moment up to which a call waits for an answer.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = self.latest = 0.0
        self._wait = asyncio.wait
        for module in (s3, s3_client):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now, sleep=self._pause))
        monkeypatch.setattr(asyncio, "sleep", self._sleep)
        monkeypatch.setattr(asyncio, "wait", self._answered)

    def _pause(self, seconds: float) -> None:
        self.now += seconds

    async def _sleep(self, seconds: float) -> None:
        self._pause(seconds)

    async def _answered(self, calls: list[asyncio.Future[object]], timeout: float) -> object:
        self.latest = max(self.latest, self.now + timeout)
        return await self._wait(calls, timeout=60)


@pytest.mark.parametrize("answering", BUSY, indirect=True, ids=str)
async def test_a_busy_store_is_unavailable_within_a_second(
    answering: _Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = S3Blobs("bucket", endpoint=answering.url)
    with pytest.raises(StoreUnavailable):
        await blobs.read("t/a")
    answering.requests.clear()
    with monkeypatch.context() as patch, pytest.raises(StoreUnavailable):
        clock = _PausedClock(patch)
        await blobs.create("t/a", b"x")
    assert clock.now < 1
    assert clock.latest < 1
    assert 1 <= len(answering.requests) < 25, "a store that is busy is asked without a pause"
    await blobs.close()


@pytest.mark.parametrize("answering", [(200, "")], indirect=True, ids=["yes to all"])
async def test_a_store_that_ignores_the_condition_is_refused_at_the_preparation(answering: _Answers) -> None:
    blobs = S3Blobs("bucket", endpoint=answering.url)
    with pytest.raises(UnfitBucket, match="conditional"):
        await blobs.prepare()
    await blobs.close()
