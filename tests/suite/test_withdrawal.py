"""A stream ends soon after the key of its reader is revoked, and says why."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ollama import FakeOllama, Model
from tests.ollama.threaded import serving
from tests.suite.running import Caller, Running
from tests.suite.test_models import LOCAL, PUMPS, quoting

QUESTION = "What is the pressure limit of the pump P-101?"
SOON_S = 4
"""A second on a quiet machine."""
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
            revoked_at = time.monotonic()
            last = [line for line in lines if line.startswith("data: ")][-1]
            assert time.monotonic() - revoked_at < SOON_S
    problem = json.loads(last.removeprefix("data: "))
    assert "The key was revoked" in str(problem) and "done" not in problem
