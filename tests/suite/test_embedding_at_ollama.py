"""With vectors from Ollama the suite finds what it found with its own, and keeps the two apart."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ollama.process import FakeProcess
from tests.suite.running import Running

_NOTES = {
    "harbour.md": b"# Harbour\n\nThe crane in the harbour lifts forty tonnes.\n",
    "bakery.md": b"# Bakery\n\nThe bread is baked at two hundred degrees.\n",
}


@pytest.fixture
def ollama() -> Iterator[FakeProcess]:
    with FakeProcess("--model", "bge-m3=embedding=1024") as running:
        yield running


@pytest.fixture
def suite(ollama: FakeProcess, tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "data", AEGIS_EMBEDDING="ollama:bge-m3", AEGIS_OLLAMA_URL=ollama.url).start()
    yield running
    assert running.stop() == 0


def test_documents_are_found_by_vectors_of_ollama_and_by_words_while_it_is_away(
    ollama: FakeProcess, suite: Running
) -> None:
    with suite.caller(suite.api_key) as caller:
        for name, content in _NOTES.items():
            assert caller.ingest(content, name)["status"] == "ready"
        assert caller.search("What does the crane lift?", mode="vector")[0]["title"] == "Harbour"
        embedded = [json.loads(one["body"]) for one in ollama.seen if one["path"] == "/api/embed"]
        assert any("forty tonnes" in text for body in embedded for text in body["input"])
        ollama.always("overloaded")
        answer = caller.post("/ask", json={"question": "What does the crane in the harbour lift?"}).json()
        assert "vectors" in answer["degraded"]
        assert answer["citations"][0]["title"] == "Harbour"
