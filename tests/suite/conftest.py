"""Who calls in the tests of the running suite."""

from collections.abc import Iterator

import pytest

from tests.suite.running import Caller, Running


@pytest.fixture(scope="session")
def admin(server: Running) -> Iterator[Caller]:
    """An admin of the tenant `default`."""
    with server.caller(server.api_key) as caller:
        yield caller


@pytest.fixture(scope="session")
def operator(server: Running) -> Iterator[Caller]:
    with server.caller(server.operator_key) as caller:
        yield caller


@pytest.fixture(scope="session")
def nobody(server: Running) -> Iterator[Caller]:
    """A caller without a credential."""
    with server.caller(None) as caller:
        yield caller


@pytest.fixture
def tenant(server: Running) -> Iterator[Caller]:
    """An admin of a tenant that only this test has."""
    _, caller = server.create_tenant("a test's own")
    yield caller
    caller.close()
