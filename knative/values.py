"""The values of the Helm chart as types, from which its schema is written: a key that is not here is refused."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
Quantity = Annotated[str, Meta(pattern=r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti)?$")]
Variables = dict[Annotated[str, Meta(pattern=r"^[A-Z][A-Za-z0-9_]*$")], str]
Count = Annotated[int, Meta(ge=0)]
Anything = dict[str, Any]


class _Values(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A part of the values; a release may leave out any of its keys."""


class Image(_Values, frozen=True):
    registry: str = ""
    repository: str = ""
    tag: str = ""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    pull_secrets: list[Name] = []


class Broker(_Values, frozen=True):
    create: bool = True
    class_: Annotated[str, Meta(min_length=1)] = msgspec.field(default="Kafka", name="class")
    config: Anything = {}
    url: str = ""


class Knative(_Values, frozen=True):
    serving: bool = True
    eventing: bool = True
    cluster_local: bool = True
    check_apis: bool = True
    broker: Broker = Broker()


class FunctionValues(_Values, frozen=True):
    """What differs from the row of the table for one function."""

    enabled: bool = True
    min_scale: Count = 0
    max_scale: Annotated[int, Meta(ge=1)] = 10
    concurrency: Annotated[int, Meta(ge=1, le=1000)] = 20
    cpu: Quantity = ""
    memory: Quantity = ""
    env: Variables = {}


class Pool(_Values, frozen=True):
    """The warm pool that reads pages. Without workers there is none."""

    workers: Count = 0
    docling: bool = False
    runtime_class_name: str = ""
    node_selector: dict[str, str] = {}
    tolerations: list[Anything] = []


class ExternalSecrets(_Values, frozen=True):
    store: str = ""
    store_kind: Literal["SecretStore", "ClusterSecretStore"] = "ClusterSecretStore"
    key: str = ""
    refresh_interval: str = "1h"


class Secrets(_Values, frozen=True):
    mode: Literal["existing", "external", "sealed", "generated"] = "existing"
    name: Name = "aegis-secrets"
    external: ExternalSecrets = ExternalSecrets()
    sealed: dict[str, str] = {}
    data: Variables = {}


class Store(_Values, frozen=True):
    """A store that the chart runs, or the address of one that it does not run."""

    enabled: bool = True
    url: str = ""
    image: str = ""
    storage: Quantity = "10Gi"
    storage_class: str = ""
    env: Variables = {}
    requests: dict[str, Quantity] = {}
    limits: dict[str, Quantity] = {}


class Models(Store, frozen=True):
    pull: list[str] = []


class Objects(Store, frozen=True):
    bucket: Annotated[str, Meta(min_length=3)] = "aegis"
    region: str = ""


class Stores(_Values, frozen=True):
    redis: Store = Store()
    qdrant: Store = Store()
    neo4j: Store = Store()
    ollama: Models = Models()
    objects: Objects = Objects()


class Route(_Values, frozen=True):
    enabled: bool = False
    host: str = ""
    backend_namespace: str = "kourier-system"
    backend_service: str = "kourier-internal"


class Gateway(Route, frozen=True):
    parent_refs: list[Anything] = []
    reference_grant: bool = True


class Ingress(Route, frozen=True):
    class_name: str = "nginx"
    tls_secret: str = ""
    annotations: dict[str, str] = {}


class Account(_Values, frozen=True):
    annotations: dict[str, str] = {}


class NetworkPolicies(_Values, frozen=True):
    enabled: bool = True
    callers: list[Name] = []
    monitoring: list[Name] = []


class Switch(_Values, frozen=True):
    enabled: bool = True


class Values(_Values, frozen=True):
    image: Image = Image()
    knative: Knative = Knative()
    functions: dict[str, FunctionValues] = {}
    pool: Pool = Pool()
    config: Variables = {}
    proxy: str = ""
    secrets: Secrets = Secrets()
    stores: Stores = Stores()
    gateway: Gateway = Gateway()
    ingress: Ingress = Ingress()
    service_account: Account = Account()
    network_policies: NetworkPolicies = NetworkPolicies()
    init: Switch = Switch()
    preflight: Switch = Switch()
    global_: Anything = msgspec.field(default_factory=dict, name="global")  # Helm sets it in every chart


def schema(functions: list[str]) -> Anything:
    """Returns the JSON schema; the keys of `functions` are the names of the services."""
    written = msgspec.json.schema(Values)
    parts = written["$defs"]
    functions_of = parts["Values"]["properties"]["functions"]
    functions_of["propertyNames"] = {"enum": functions}
    for part in parts.values():
        for key in part["properties"].values():
            key.pop("default", None)  # the defaults are in values.yaml
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **written}
