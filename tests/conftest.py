"""One server for all tests of a process that need a running suite."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.backends import (  # noqa: F401
    cluster_neo4j,
    cluster_redis,
    cluster_s3,
    deselect_what_needs_no_server,
    pytest_addoption,
    pytest_generate_tests,
    pytest_ignore_collect,
)
from tests.suite.running import Running

_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 2 << 30
_LONGEST_FIRST = {folder: place for place, folder in enumerate(("suite", "parsing", "shared", "parse_gpu", "vectors"))}


def _is_roomy(folder: Path) -> bool:
    """Whether the files of all tests find room, and those among them that are programs may run."""
    if not folder.is_dir() or os.statvfs(folder).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(folder).free >= _ROOM_BYTES


if _is_roomy(_MEMORY):  # nothing waits for a disk; the indexes of vectors sync in processes of their own
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

# An example takes as long as the machine lets it; a slow one says nothing of the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Folders whose files take long come first, so that all processes of a run end at about the same time."""
    deselect_what_needs_no_server(config, items)
    items.sort(key=lambda item: _LONGEST_FIRST.get(item.path.parent.name, len(_LONGEST_FIRST)))


@pytest.fixture(scope="session", autouse=True)
def no_wait_for_disks() -> Iterator[None]:
    """No test cuts the power; one that asks what would be left then replaces `os.fsync` itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`aegis serve` on a fresh folder; it believes what this machine says of a client's address."""
    running = Running(tmp_path_factory.mktemp("server") / "data", AEGIS_TRUSTED_PROXIES="127.0.0.1").start()
    yield running
    assert running.stop() == 0
