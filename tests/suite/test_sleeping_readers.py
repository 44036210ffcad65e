"""A client that asks and never reads is disconnected, its call ends and is paid for, and nobody waits for it."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.ollama import Account, Asked, FakeOllama, Model
from tests.ollama.threaded import Threaded, serving
from tests.suite.running import Caller, Running
from tests.suite.test_models import CLOUD
from tests.timing import within

SETTINGS = "ollama_cloud: {concurrency: 1, queue_s: 60}\n"
LONG, TOKENS, LETTERS = "long", 800, 10_000
"""The long answer is larger than what the kernel stores of it for a client that does not read."""
READER_S = 1
WITHIN_S = 240


class Suite(NamedTuple):
    server: Running
    caller: Caller
    cloud: Threaded


def _answer(asked: Asked) -> str:
    return " ".join(["a" * LETTERS] * (TOKENS - 1)) if LONG in asked.text else "A short one."


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    folder: Path = tmp_path_factory.mktemp("readers")
    settings = folder / "proxy.yaml"
    settings.write_text(SETTINGS)
    cloud = FakeOllama(Model(CLOUD, answer=_answer, context_tokens=131_072), account=Account(), parallel=1)
    cloud.seconds_per_token = 0.01
    with serving(cloud) as (there,):
        server = Running(
            folder / "data",
            AEGIS_PROXY_CONFIG=str(settings),
            AEGIS_OLLAMA_URL="http://127.0.0.1:9",
            AEGIS_OLLAMA_CLOUD_URL=there.url,
            OLLAMA_CLOUD_API_KEY="cloud-key",
            AEGIS_READER_SECONDS=str(READER_S),
        ).start()
        with server.caller(server.api_key) as caller:
            yield Suite(server, caller, there)
        server.stop()


def _chat(text: str, **fields: object) -> dict[str, object]:
    return {"model": CLOUD, "messages": [{"role": "user", "content": text}], "max_tokens": TOKENS, **fields}


def _asked_and_not_read(suite: Suite) -> socket.socket:
    address = urlsplit(suite.server.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((address.hostname, address.port))
    body = json.dumps(_chat(LONG, stream=True)).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {suite.server.api_key}\r\n"
    client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    return client


def test_a_client_that_never_reads_is_disconnected_and_its_call_paid(suite: Suite) -> None:
    with _asked_and_not_read(suite):
        suite.cloud.until(lambda cloud: cloud.stopped == 1, WITHIN_S)
        assert "read nothing" in suite.server.log
        answer = suite.caller.post("/v1/chat/completions", json=_chat("short"), timeout=WITHIN_S)
        assert answer.status_code == 200, answer.text
    scopes = suite.caller.get("/budget").raise_for_status().json()["scopes"]
    assert all(scope["reserved_usd"] == 0 for scope in scopes)
    assert any(scope["spent_usd"] > 0 for scope in scopes)


def test_health_is_quick_while_many_do_not_read(suite: Suite) -> None:
    readers = [_asked_and_not_read(suite) for _ in range(5)]
    try:
        for _ in range(20):
            with within(2, suite.server.pid):
                assert suite.caller.get("/health").status_code == 200
            time.sleep(0.02)
    finally:
        for reader in readers:
            reader.close()
