"""Which Redis may be used, and how it is reached: refused where counts would go wrong, with what to set."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.redis.connection import UnfitServer, check_server, over_url
from shared.types.errors import StoreUnavailable
from tests.cluster.redis_server import RedisServer
from tests.cluster.server import free_ports

Start = Callable[..., RedisServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[RedisServer] = []

    def run(**settings: str) -> RedisServer:
        server = RedisServer(tmp_path / "redis", **settings)
        started.append(server)
        server.start()
        return server

    yield run
    for server in started:
        server.kill()


async def check(url: str) -> None:
    redis = over_url(url)
    try:
        await check_server(redis)
    finally:
        await redis.close()


async def test_one_primary_that_drops_nothing_is_fit(start: Start) -> None:
    await check(start().url)


async def test_a_redis_that_may_drop_keys_is_refused_with_what_to_set(start: Start) -> None:
    with pytest.raises(UnfitServer, match=r"allkeys-lru.*Set `maxmemory-policy noeviction`"):
        await check(start(maxmemory_policy="allkeys-lru").url)


async def test_cluster_mode_is_refused_with_what_to_set(start: Start) -> None:
    with pytest.raises(UnfitServer, match="cluster-enabled no"):
        await check(start(cluster_enabled="yes").url)


async def test_a_full_redis_is_unavailable_and_forgets_nothing(start: Start) -> None:
    redis = over_url(start(maxmemory="2mb").url)
    await redis.call("SET", "counted", 1)
    with pytest.raises(StoreUnavailable):
        for number in range(40):
            await redis.call("SET", f"filler:{number}", "x" * 100_000)
    assert await redis.call("GET", "counted") == "1"
    await redis.close()


async def test_no_redis_is_unavailable_not_unfit(start: Start) -> None:
    server = start()
    server.kill()
    with pytest.raises(StoreUnavailable):
        await check(server.url)


async def test_a_password_lets_in_and_a_wrong_one_is_named_but_never_told(start: Start) -> None:
    server = start(requirepass="sesame")
    await check(server.url.replace("//", "//:sesame@"))
    for url in (server.url, server.url.replace("//", "//:mustard@")):
        with pytest.raises(StoreUnavailable, match="refuses the credentials") as refused:
            await check(url)
        assert "mustard" not in str(refused.value)


async def test_rediss_speaks_tls_and_trusts_only_the_authority_given(start: Start, tmp_path: Path) -> None:
    key, certificate = certified(tmp_path)
    settings = {"tls_cert_file": str(certificate), "tls_key_file": str(key), "tls_auth_clients": "no"}
    server = start(tls_port=str(free_ports(1)[0]), **settings)
    url = f"rediss://localhost:{server.settings['tls-port']}/0"
    await check(f"{url}?ssl_ca_certs={certificate}")
    with pytest.raises(StoreUnavailable):
        await check(url)


def certified(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate for this machine that vouches for itself. Skips the test where there is no openssl."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate
