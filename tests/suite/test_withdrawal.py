"""A stream ends soon after the key of its reader is revoked, and says why."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ollama import FakeOllama, Model
from tests.ollama.threaded import serving
from tests.suite.running import Caller, Running
from tests.suite.test_models import LOCAL, PUMPS, quoting
from tests.timing import within

QUESTION = "What is the pressure limit of the pump P-101?"
SOON_S = 4
"""A second, where no other test runs."""
CALLS: dict[str, dict[str, Any]] = {
    "/ask": {"question": QUESTION, "stream": True},
    "/v1/chat/completions": {
        "model": LOCAL,
        "stream": True,
        "messages": [{"role": "user", "content": "word " * 400}],
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    local = FakeOllama(
        Model(LOCAL, answer=lambda asked: quoting(asked) + " word" * 400, context_tokens=32_768),
        seconds_per_token=0.1,
        parallel=4,
    )
    with serving(local) as (here,):
        server = Running(tmp_path_factory.mktemp("withdrawal") / "data", AEGIS_OLLAMA_URL=here.url).start()
        with server.caller(server.api_key) as caller:
            assert caller.ingest(PUMPS.encode(), "pumps.md")["status"] == "ready"
        yield server
        server.stop()


@pytest.mark.parametrize("path", CALLS)
def test_a_revoked_key_ends_its_streams(server: Running, path: str) -> None:
    with server.caller(server.api_key) as admin:
        key = admin.create_key(scopes=["ask", "models"])
        with (
            Caller(str(admin.base_url), key["api_key"]) as reader,
            reader.stream("POST", path, json=CALLS[path]) as got,
        ):
            assert got.status_code == 200
            lines = got.iter_lines()
            next(lines)
            assert admin.delete(f"/keys/{key['key_id']}").status_code == 204
            with within(SOON_S, server.pid):
                last = [line for line in lines if line.startswith("data: ")][-1]
    problem = json.loads(last.removeprefix("data: "))
    assert "The key was revoked" in str(problem) and "done" not in problem


def child_of(server: Running, program: str) -> int:
    """The process of the suite whose command line names the program."""
    found = [int(child) for task in Path(f"/proc/{server.pid}/task").iterdir() for child in _children(task)]
    return next(child for child in found if program in Path(f"/proc/{child}/cmdline").read_text())


def _children(task: Path) -> list[str]:
    return (task / "children").read_text().split()


def test_a_revoked_key_ends_its_watches(server: Running) -> None:
    index = child_of(server, "edge_child")
    with server.caller(server.api_key) as admin:
        key = admin.create_key()
        os.kill(index, signal.SIGSTOP)  # the document is not ready before this is over
        try:
            document_id = admin.upload(b"# Watched\n\nA document that waits for the index.").json()["document_id"]
            with (
                server.caller(key["api_key"]) as reader,
                reader.stream("GET", f"/documents/{document_id}/events") as got,
            ):
                lines = got.iter_lines()
                next(lines)
                assert admin.delete(f"/keys/{key['key_id']}").status_code == 204
                with within(5, server.pid):
                    last = [line for line in lines if line.startswith("data: ")][-1]
        finally:
            os.kill(index, signal.SIGCONT)
        assert json.loads(last.removeprefix("data: "))["status"] == 401
        assert admin.final(document_id)["status"] == "ready"


def test_a_key_that_is_revoked_while_it_uploads_stores_nothing(server: Running) -> None:
    with server.caller(server.api_key) as admin:
        key = admin.create_key()

        def slowly() -> Iterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="late.md"\r\n\r\nLate'
            assert admin.delete(f"/keys/{key['key_id']}").status_code == 204
            time.sleep(1.2)
            yield b" text.\r\n--b--\r\n"

        with server.caller(key["api_key"]) as uploader:
            headers = {"Content-Type": "multipart/form-data; boundary=b"}
            answer = uploader.post("/upload", content=slowly(), headers=headers)
        assert answer.status_code == 401, answer.text
        assert "late.md" not in {document["filename"] for document in admin.get("/documents").json()["items"]}
    assert not list((server.data / "spool").iterdir())
