"""The processes that the suite starts."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.suite.running import Running

SECRETS = {
    "AEGIS_EVENT_SECRET": "k1:canary-that-signs-events-0123456789",
    "OLLAMA_CLOUD_API_KEY": "canary-of-the-cloud",
    "AWS_SECRET_ACCESS_KEY": "canary-of-the-bucket",
    "AEGIS_NEO4J_PASSWORD": "canary-of-the-graph",
}


@pytest.fixture
def suite(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "data").mkdir(mode=0o755)
    running = Running(tmp_path / "data", **SECRETS).start()
    yield running
    running.stop()


def children(pid: int) -> list[int]:
    found = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return found + [each for child in found for each in children(child)]


@pytest.mark.skipif(not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="only Linux shows it")
def test_no_child_has_a_secret_in_its_environment(suite: Running) -> None:
    suite.caller(suite.api_key).ingest(b"<p>A parser runs.</p>", "page.html")
    found = children(suite.pid)
    assert len(found) >= 3  # Valkey, the vector index, a parser
    for child in found:
        assert b"canary" not in Path(f"/proc/{child}/environ").read_bytes(), Path(f"/proc/{child}/cmdline").read_text()


def test_what_is_stored_is_its_owners_alone_also_in_a_folder_that_was_there(suite: Running) -> None:
    suite.caller(suite.api_key).ingest(b"# Stored\n\nOnly for its owner.")
    found = list(suite.data.rglob("*"))
    assert any(path.is_relative_to(suite.data / "blobs") for path in found)
    assert any(path.is_relative_to(suite.data / "vectors") for path in found)
    open_to_others = [path for path in found if path.lstat().st_mode & 0o077 and not path.is_symlink()]
    assert open_to_others == []
