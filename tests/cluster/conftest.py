"""One suite of processes for all tests that need one."""

from collections.abc import Iterator

import pytest

from tests.cluster.suite import Stores, Suite


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    """Every function in its process, over servers of this session's own."""
    folder = tmp_path_factory.mktemp("cluster")
    stores = Stores.under(folder)
    try:
        with Suite(folder, stores) as running:
            yield running
    finally:
        stores.stop()
