"""What one address can send with no key at all stops nobody else's request."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.suite.health_probe import HealthProbe
from tests.suite.running import Running
from tests.timing import within

HEADER_S, WINDOW_S = 3, 2
ATTACK_S = 3
WITHIN_S = 40
HALF_SENT = 300
POST = b"POST /upload HTTP/1.1\r\nHost: a\r\n"


class Attacked(NamedTuple):
    server: Running
    address: tuple[str, int]

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=2 * WITHIN_S)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    folder: Path = tmp_path_factory.mktemp("connections")
    limits = {"AEGIS_HEADER_SECONDS": str(HEADER_S), "AEGIS_BODY_WINDOW_SECONDS": str(WINDOW_S)}
    server = Running(folder / "data", **limits).start()
    url = urlsplit(server.url)
    yield Attacked(server, (url.hostname or "", url.port or 0))
    server.stop()


def _sent(client: socket.socket, *pieces: bytes) -> None:
    with suppress(OSError):  # the server has closed it
        for piece in pieces:
            client.sendall(piece)


def _closed(client: socket.socket) -> bool:
    """Waits until the server has closed."""
    with suppress(ConnectionError):
        while client.recv(65_536):
            pass
    return True


def half_sent(attacked: Attacked) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(attacked.connect()) for _ in range(HALF_SENT)]
        for client in clients:
            _sent(client, b"GET / HTTP/1.1\r\nHost: ")
        with within(WITHIN_S, attacked.server.pid):
            assert all(_closed(client) for client in clients)


def endless_headers(attacked: Attacked) -> None:
    """A gigabyte, were it taken."""
    with attacked.connect() as client:
        _sent(client, b"GET / HTTP/1.1\r\nHost: a\r\nX: ", *[b"a" * (1 << 20)] * 1024)
        assert _closed(client)


def many_small_headers(attacked: Attacked) -> None:
    for _ in range(20):
        with attacked.connect() as client:
            _sent(client, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 10_000 + b"\r\n")
            assert _closed(client)


def dripping_uploads(attacked: Attacked) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(attacked.connect()) for _ in range(50)]
        for client in clients:
            head = (
                f"Authorization: Bearer {attacked.server.api_key}\r\nContent-Type: multipart/form-data; boundary=a\r\n"
            )
            _sent(client, POST + head.encode() + b"Content-Length: 1000000\r\n\r\n")
        for _ in range(10 * WINDOW_S):
            for client in clients:
                _sent(client, b"-")
            time.sleep(0.1)
        assert all(_closed(client) for client in clients)


def endless_trailers(attacked: Attacked) -> None:
    with attacked.connect() as client:
        head = b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
        _sent(client, POST + head, *[b"X: " + b"a" * 60_000 + b"\r\n"] * 2000)
        assert _closed(client)


def sent_ahead(attacked: Attacked) -> None:
    with attacked.connect() as client:
        threading.Thread(target=_sent, args=(client, *[b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" * 500] * 20)).start()
        assert _closed(client)


@pytest.mark.parametrize(
    "attack", [half_sent, endless_headers, many_small_headers, dripping_uploads, endless_trailers, sent_ahead]
)
def test_an_attack_is_closed_and_health_answers_quickly_meanwhile(
    attacked: Attacked, attack: Callable[[Attacked], None]
) -> None:
    memory = _memory(attacked.server.pid)
    probe = HealthProbe(attacked.server.url, attacked.server.pid)
    until = time.monotonic() + ATTACK_S
    while time.monotonic() < until:
        attack(attacked)
    took = probe.end()
    assert took[len(took) * 99 // 100 - 1] < 2000, took[-5:]
    assert _memory(attacked.server.pid) < memory + (128 << 20)


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
