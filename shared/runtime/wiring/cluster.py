"""The services of a cluster, chosen by environment variables: S3, Redis, Qdrant, a broker."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from events.envelope import Secrets
from shared.runtime.wiring.services import Services
from shared.runtime.wiring.settings import Settings
from shared.table.table import Function, Need, Table
from shared.types.errors import AegisError

if TYPE_CHECKING:  # a function imports only the stores of its row
    from shared.blobs.port import Blobs
    from shared.bus.port import EventTransport
    from shared.bus.sink import EventSink
    from shared.graph.port import GraphIndex
    from shared.redis.client import RedisClient
    from shared.vectors.port import VectorIndex

VARIABLES: dict[Need, str] = {
    "blobs": "AEGIS_S3_BUCKET",
    "counters": "AEGIS_REDIS_URL",
    "bus": "K_SINK",
    "vectors": "AEGIS_QDRANT_URL",
    "graph": "AEGIS_NEO4J_URI",
}
"""What has to be set for each need; a need that is not here keeps no state."""


class _BackendNames(Struct, frozen=True):
    embedded: str
    cluster: str


_BACKENDS: dict[Need, _BackendNames] = {
    "blobs": _BackendNames("folder", "s3"),
    "counters": _BackendNames("valkey", "redis"),
    "bus": _BackendNames("streams", "broker"),
    "vectors": _BackendNames("edge", "qdrant"),
    "graph": _BackendNames("sqlite", "neo4j"),
}


class MissingStore(AegisError):
    """A function's store has no address."""


def check_backends(function: Function, environ: Mapping[str, str]) -> None:
    """Checks that every store of a function has an address, or that `AEGIS_EMBEDDED=1` is set and allowed.

    Raises `MissingStore`.
    """
    if environ.get("AEGIS_EMBEDDED") != "1":
        check_variables((function,), environ)
        return
    for name in ("K_SERVICE", "AWS_LAMBDA_FUNCTION_NAME"):
        if environ.get(name):
            raise MissingStore(
                f"AEGIS_EMBEDDED=1 is refused where {name} is set: the data folder of a pod or a Lambda is lost with "
                "it. Set the variables of the stores instead."
            )


def check_variables(functions: tuple[Function, ...], environ: Mapping[str, str]) -> None:
    """Checks the variables of the functions' needs. Raises `MissingStore`, which names the variable."""
    for function in functions:
        for need in function.required:
            name = VARIABLES.get(need)
            if name and not environ.get(name):
                raise MissingStore(
                    f"{name} is not set: function {function.name} needs {need}. Set it, or AEGIS_EMBEDDED=1 to keep "
                    "everything in AEGIS_DATA on this machine."
                )
        handles_events = any(not operation.is_route or operation.emits for operation in function.operations)
        if handles_events and not environ.get("AEGIS_EVENT_SECRET"):
            raise MissingStore(
                f"AEGIS_EVENT_SECRET is not set: function {function.name} takes or sends signed events. Set it to "
                "`kid:secret`."
            )


def cluster_services(table: Table, settings: Settings, environ: Mapping[str, str]) -> Services:
    """Services over the stores of the environment; each store is connected to at its first use."""

    def transport() -> "EventTransport":
        return cluster_transport(environ, event_secrets(environ), services.redis)

    services = Services(
        table,
        settings,
        blobs=lambda: cluster_blobs(environ),
        redis=(lambda: cluster_redis(environ)) if environ.get("AEGIS_REDIS_URL") else None,
        transport=transport,
        vectors=lambda made: cluster_vectors(environ, made),
        graph=(lambda: cluster_graph(environ)) if is_cluster("graph", environ) else None,
        backends={need: names.cluster for need, names in _BACKENDS.items()},
    )
    return services


def is_cluster(need: Need, environ: Mapping[str, str]) -> bool:
    """Whether the variable of the need is set."""
    return bool(environ.get(VARIABLES[need]))


def backend_names(environ: Mapping[str, str]) -> dict[Need, str]:
    """The backend of each need in one process: the cluster's where its variable is set, else the embedded one."""
    return {need: names.cluster if is_cluster(need, environ) else names.embedded for need, names in _BACKENDS.items()}


def cluster_blobs(environ: Mapping[str, str]) -> "Blobs":
    from shared.blobs.s3 import S3Blobs

    return S3Blobs(environ["AEGIS_S3_BUCKET"])


def cluster_redis(environ: Mapping[str, str], answer_s: float | None = None) -> "RedisClient":
    from shared.redis.client import ANSWER_S
    from shared.redis.connection import over_url

    return over_url(environ["AEGIS_REDIS_URL"], answer_s=ANSWER_S if answer_s is None else answer_s)


def cluster_transport(environ: Mapping[str, str], secrets: Secrets, redis: "RedisClient") -> "EventTransport":
    from shared.bus.sink import SinkTransport

    return SinkTransport(_sink(environ["K_SINK"]), secrets, redis)


def cluster_vectors(environ: Mapping[str, str], services: Services) -> "VectorIndex":
    from shared.vectors.qdrant import QdrantIndex

    embedding = services.embedding
    key = environ.get("AEGIS_QDRANT_API_KEY") or None
    return QdrantIndex(environ["AEGIS_QDRANT_URL"], key, embedding.dimensions, embedding.name)


def cluster_graph(environ: Mapping[str, str]) -> "GraphIndex":
    from shared.graph.neo4j import Neo4jIndex

    user, password = environ.get("AEGIS_NEO4J_USER") or "neo4j", environ.get("AEGIS_NEO4J_PASSWORD") or ""
    return Neo4jIndex(environ["AEGIS_NEO4J_URI"], user, password)


def _sink(address: str) -> "EventSink":
    from shared.bus.aws import AwsSink, is_aws

    if is_aws(address):
        return AwsSink(address)
    from shared.bus.broker import BrokerSink

    return BrokerSink(address)


def event_secrets(environ: Mapping[str, str]) -> Secrets:
    return Secrets.parse(environ["AEGIS_EVENT_SECRET"])
