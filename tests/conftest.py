"""One server for all tests of a process that need a running suite."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.backends import (  # noqa: F401
    cluster_redis,
    cluster_s3,
    pytest_addoption,
    pytest_generate_tests,
    pytest_ignore_collect,
)
from tests.suite.running import Running

# An example takes as long as the machine lets it; a slow one says nothing of the code.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


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
