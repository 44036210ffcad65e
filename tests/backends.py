"""The backends that the promises are tested over: embedded, a cluster's, or your own servers by their addresses."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

_ADDRESSES = {
    "redis": ("--redis-url", "AEGIS_TEST_REDIS_URL", "an empty database of your Redis, as redis://host:6379/15"),
    "s3": ("--s3-endpoint", "AEGIS_TEST_S3_ENDPOINT", "your S3; credentials by the usual AWS variables"),
    "qdrant": ("--qdrant-url", "AEGIS_TEST_QDRANT_URL", "your Qdrant"),
    "neo4j": ("--neo4j-uri", "AEGIS_TEST_NEO4J_URI", "your Neo4j; AEGIS_TEST_NEO4J_USER and _PASSWORD for it"),
    "sink": ("--sink", "AEGIS_TEST_SINK", "your broker's ingress"),
}
_FIXTURES = {"redis_url": "redis", "blobs_place": "s3"}
"""Fixtures of a store, by the name of its backend in a cluster."""
_OVER_BACKENDS = {*_FIXTURES, "opened_index", "backend", "shared_index"}
"""These fixtures and those of graph and vectors: a test that asks for one is run over each chosen backend."""
_CLUSTER = Path(__file__).parent / "cluster"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("backends", "where the promises are tested")
    group.addoption("--backends", default="embedded", help="`embedded`, `cluster`, or both with a comma between")
    for option, variable, what in _ADDRESSES.values():
        group.addoption(option, default=os.environ.get(variable), help=f"{what} ({variable})")


def address(config: pytest.Config, store: str) -> str | None:
    """The address of a server of the caller's own."""
    given: str | None = config.getoption(_ADDRESSES[store][0])
    return given


def backends_of(config: pytest.Config, store: str) -> list[str]:
    """`embedded`, `store`, or both: a server whose address is given is always tested."""
    chosen = _chosen(config)
    if unknown := chosen - {"embedded", "cluster"}:
        raise pytest.UsageError(f"--backends takes `embedded` and `cluster`, not {', '.join(unknown)}")
    clustered = "cluster" in chosen or address(config, store)
    return [*(["embedded"] if "embedded" in chosen else []), *([store] if clustered else [])]


def _chosen(config: pytest.Config) -> set[str]:
    return set(str(config.getoption("--backends")).split(","))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for fixture, store in _FIXTURES.items():
        if fixture in metafunc.fixturenames:
            metafunc.parametrize(fixture, backends_of(metafunc.config, store), indirect=True)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collects the tests that need servers only where they or their backends are named."""
    if collection_path != _CLUSTER or "cluster" in str(config.getoption("--backends")):
        return None
    return None if any("cluster" in str(argument) for argument in config.args) else True


def deselect_what_needs_no_server(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves tests that have no backends to the run with the embedded ones, where those are not chosen."""
    if "embedded" in _chosen(config):
        return
    needless = [
        item
        for item in items
        if _CLUSTER not in item.path.parents and not _OVER_BACKENDS & set(getattr(item, "fixturenames", ()))
    ]
    config.hook.pytest_deselected(items=needless)
    items[:] = [item for item in items if item not in needless]


@pytest.fixture(scope="session")
def cluster_redis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis server whose database holds nothing but what tests write."""
    if url := address(request.config, "redis"):
        _refuse_what_is_in_use(url)
        yield url
        return
    from tests.cluster.redis_server import RedisServer

    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.kill()


@pytest.fixture(scope="session")
def cluster_s3(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A bucket for the tests of a process, made for them and removed afterwards; the environment says where it is."""
    from tests.cluster import seaweed

    with pytest.MonkeyPatch.context() as patch:
        if endpoint := address(request.config, "s3"):
            patch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
            yield from seaweed.bucket()
            return
        server = seaweed.SeaweedServer(tmp_path_factory.mktemp("s3"))
        for name, value in server.environ.items():
            patch.setenv(name, value)
        server.start()
        yield from seaweed.bucket()
        server.kill()


@pytest.fixture(scope="session")
def cluster_neo4j(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables that name a Neo4j server; each test has tenants of its own in it."""
    if uri := address(request.config, "neo4j"):
        own = {name: os.environ.get(f"AEGIS_TEST_NEO4J_{name}", "") for name in ("USER", "PASSWORD")}
        yield {"AEGIS_NEO4J_URI": uri, **{f"AEGIS_NEO4J_{name}": value for name, value in own.items()}}
        return
    from tests.cluster.neo4j_server import Neo4jServer

    server = Neo4jServer(tmp_path_factory.mktemp("neo4j"))
    server.start()
    yield server.environ
    server.kill()


def _refuse_what_is_in_use(url: str) -> None:
    from redis import Redis

    if os.environ.get("PYTEST_XDIST_WORKER"):
        pytest.exit("The tests share one Redis database and empty it: run them without -n.", 2)
    with Redis.from_url(url) as redis:
        if redis.dbsize():
            pytest.exit("The Redis database holds keys, and the tests empty it. Give an empty one, as redis://…/15.", 2)
