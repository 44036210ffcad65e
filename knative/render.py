"""Renders the rows of the table as Knative manifests: a file for each function in `services/`, and in `docling/` what
differs where Docling's models read pages on graphics cards.

`python -m knative.render` writes them; with `--check` it says which are stale.
"""

import functools
import sys
import tomllib
from pathlib import Path

import msgspec
from msgspec import Struct

from knative import network
from knative.network import Manifest, has_routes, service_name
from shared.table.table import DEAD_LETTER, DoclingRow, Function, Need, Operation, Table, load

SERVICES = Path(__file__).parent / "services"
DOCLING = Path(__file__).parent / "docling"
BROKER = "default"
ACCOUNT = "aegis"
DEAD_LETTERS = "failed"
NETWORK = "network-policies.yaml"
CLOCK = "aegis.clock.ticked.v1"

NOTE = "# Rendered from functions/table.toml by `make generate`; do not edit.\n"
_PORT = 8080
_USER = 65532
_CLOCK_SCHEDULE = "*/30 * * * * *"  # seconds first
_RETRIES = 4
_SCRATCH = "2Gi"
_PROXY_FILES = "/etc/aegis"
_BUSY_PERCENT = 70
_DOCLING = {"AEGIS_PDF_ENGINE": "docling", "DOCLING_ARTIFACTS_PATH": "/opt/docling"}
_WARM_WITHIN = "900s"  # a large image, and models to load
_REQUESTED_CPU_SHARE = 4  # a function mostly waits for its stores; what it may use is four times what it reserves


class Variable(Struct, frozen=True):
    """An environment variable and the Secret or ConfigMap that its value comes from."""

    name: str
    secret: bool = False
    optional: bool = True


_EVENT_SECRET = Variable("AEGIS_EVENT_SECRET", secret=True, optional=False)
_ROUTED = (
    Variable("AEGIS_POOL_WORKERS"),  # whether documents with pages go to the warm pool
    Variable("AEGIS_READER_SECONDS"),
    Variable("AEGIS_HEADER_BYTES"),
    Variable("AEGIS_HEADER_COUNT"),
    Variable("AEGIS_HEADER_SECONDS"),
    Variable("AEGIS_BODY_BYTES_PER_SECOND"),
    Variable("AEGIS_BODY_WINDOW_SECONDS"),
    Variable("AEGIS_BODY_SECONDS"),
    Variable("AEGIS_IDLE_SECONDS"),
    Variable("AEGIS_CONNECTIONS_PER_ADDRESS"),
    Variable("AEGIS_TRUSTED_PROXIES"),
    Variable("AEGIS_CORS_ORIGINS"),
    Variable("AEGIS_MAX_UPLOAD_BYTES"),
    Variable("AEGIS_OIDC_ISSUER"),
    Variable("AEGIS_OIDC_AUDIENCE"),
    Variable("AEGIS_OIDC_TENANT_CLAIM"),
    Variable("AEGIS_OIDC_ROLE_CLAIM"),
    Variable("AEGIS_OIDC_GROUPS_CLAIM"),
    Variable("AEGIS_REDIS_URL", secret=True),  # addresses are counted where there is a Redis
)
_OF_NEED: dict[Need, tuple[Variable, ...]] = {
    "blobs": (
        Variable("AEGIS_S3_BUCKET", optional=False),
        Variable("AWS_DEFAULT_REGION"),
        Variable("AWS_ENDPOINT_URL_S3"),
        Variable("AWS_ACCESS_KEY_ID", secret=True),
        Variable("AWS_SECRET_ACCESS_KEY", secret=True),
        Variable("AEGIS_PROXY_CONFIG"),  # what work costs is written down with it
    ),
    "counters": (Variable("AEGIS_REDIS_URL", secret=True, optional=False),),
    "bus": (Variable("K_SINK", optional=False),),
    "vectors": (Variable("AEGIS_QDRANT_URL", optional=False), Variable("AEGIS_QDRANT_API_KEY", secret=True)),
    "graph": (
        Variable("AEGIS_NEO4J_URI", optional=False),
        Variable("AEGIS_NEO4J_USER"),
        Variable("AEGIS_NEO4J_PASSWORD", secret=True),
    ),
    "embedding": (Variable("AEGIS_EMBEDDING"), Variable("AEGIS_OLLAMA_URL")),
    "model": (
        Variable("AEGIS_OLLAMA_URL"),
        Variable("AEGIS_OLLAMA_CLOUD_URL"),
        Variable("OLLAMA_CLOUD_API_KEY", secret=True),
    ),
    "parsing": (
        Variable("AEGIS_PARSE_SECONDS_PER_PAGE"),
        Variable("AEGIS_PARSE_SECONDS"),
        Variable("AEGIS_PARSE_MEMORY_BYTES"),
        Variable("AEGIS_PARSE_MAX_PAGES"),
    ),
    "pool": (
        Variable("AEGIS_POOL_WORKERS"),
        Variable("AEGIS_PDF_ENGINE"),
        Variable("DOCLING_ARTIFACTS_PATH"),
        Variable("CUDA_VISIBLE_DEVICES"),
    ),
}


def manifests(function: Function) -> list[Manifest]:
    """Renders the Service, its Triggers or PingSource, and what protects pods that never go to zero."""
    wakers = [waker for operation in function.operations for waker in _wakers(function, operation)]
    return [service(function), *wakers, *([_disruption(function)] if function.min_scale else [])]


def service(function: Function) -> Manifest:
    labels = _labels(function)
    visibility = {} if has_routes(function) else {"networking.knative.dev/visibility": "cluster-local"}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": service_name(function), "labels": {**labels, **visibility}},
        "spec": {
            "template": {
                "metadata": {"labels": labels, "annotations": _scale(function)},
                "spec": {
                    "serviceAccountName": ACCOUNT,
                    "automountServiceAccountToken": False,
                    "enableServiceLinks": False,
                    "containerConcurrency": function.concurrency,
                    "timeoutSeconds": function.timeout_s,
                    # Knative's own default, 300 s to the first byte, would cut off a stage that takes longer.
                    "responseStartTimeoutSeconds": function.timeout_s,
                    "containers": [_container(function)],
                    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": _SCRATCH}}, *_proxy_files(function)],
                },
            }
        },
    }


def variables(function: Function) -> tuple[Variable, ...]:
    """Returns the environment variables of the function, each once; optional unless a need requires it."""
    wanted = [
        msgspec.structs.replace(variable, optional=variable.optional or need in function.optional)
        for need in function.needs
        for variable in _OF_NEED[need]
    ]
    if any(not operation.is_route or operation.emits for operation in function.operations):
        wanted.append(_EVENT_SECRET)
    if has_routes(function):
        wanted += _ROUTED
    by_name: dict[str, Variable] = {}
    for variable in sorted(wanted, key=lambda one: one.optional):
        by_name.setdefault(variable.name, variable)
    return tuple(by_name.values())


def _container(function: Function) -> Manifest:
    return {
        "image": f"aegisrag/{function.image}:{version()}",
        "args": [function.name],
        "ports": [{"name": "http1", "containerPort": _PORT}],
        "env": [_reference(variable) for variable in variables(function)],
        "resources": {
            "requests": {"cpu": _cpu_request(function), "memory": function.memory},
            "limits": {"cpu": function.cpu, "memory": function.memory},
        },
        "livenessProbe": {
            "httpGet": {"path": "/health"},
            "periodSeconds": 30,
            "timeoutSeconds": 5,
            "failureThreshold": 3,
        },
        **_startup_probe(function),
        # No period: Knative then asks many times a second until the first yes, which is what a cold start needs.
        "readinessProbe": {"httpGet": {"path": "/health/ready"}, "successThreshold": 1},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
            *({"name": volume["name"], "mountPath": _PROXY_FILES} for volume in _proxy_files(function)),
        ],
    }


def _startup_probe(function: Function) -> Manifest:
    """Gives the pool 60 s to answer before liveness counts; its libraries take longer to load than others'."""
    if "pool" not in function.needs:
        return {}
    probe = {"httpGet": {"path": "/health", "port": _PORT}, "periodSeconds": 2, "failureThreshold": 30}
    return {"startupProbe": probe}


def _proxy_files(function: Function) -> list[Manifest]:
    """Mounts the ConfigMap that AEGIS_PROXY_CONFIG can name: models, prices and budgets are no secrets."""
    if "blobs" not in function.needs:
        return []
    return [{"name": "proxy", "configMap": {"name": "aegis-proxy", "optional": True}}]


def _scale(function: Function) -> dict[str, str]:
    prefix = "autoscaling.knative.dev"
    if "pool" in function.needs:
        # The pool takes its work from a queue, so its load shows in its processors, not in its requests.
        return {
            f"{prefix}/class": "hpa.autoscaling.knative.dev",
            f"{prefix}/metric": "cpu",
            f"{prefix}/target": str(_BUSY_PERCENT),
            f"{prefix}/min-scale": str(function.min_scale),
            f"{prefix}/max-scale": str(function.max_scale),
            "serving.knative.dev/progress-deadline": _WARM_WITHIN,
        }
    return {
        f"{prefix}/class": "kpa.autoscaling.knative.dev",
        f"{prefix}/metric": "concurrency",
        f"{prefix}/target": str(function.concurrency),
        f"{prefix}/min-scale": str(function.min_scale),
        f"{prefix}/max-scale": str(function.max_scale),
    }


def _reference(variable: Variable) -> Manifest:
    kind, name = ("secretKeyRef", "aegis-secrets") if variable.secret else ("configMapKeyRef", "aegis-config")
    optional = {"optional": True} if variable.optional else {}
    return {"name": variable.name, "valueFrom": {kind: {"name": name, "key": variable.name, **optional}}}


def _cpu_request(function: Function) -> str:
    """Returns the CPU request; the pool requests its limit, for its autoscaler measures load against the request."""
    return function.cpu if "pool" in function.needs else _requested_cpu(function.cpu)


def _requested_cpu(limit: str) -> str:
    millicores = int(limit[:-1]) if limit.endswith("m") else int(float(limit) * 1000)
    return f"{millicores // _REQUESTED_CPU_SHARE}m"


def _wakers(function: Function, operation: Operation) -> list[Manifest]:
    """Renders the Trigger or PingSource. Routes need none, and every Trigger carries its dead letters."""
    if operation.is_route or operation.on == DEAD_LETTER:
        return []
    return [_clock(function) if operation.on == CLOCK else _trigger(function, operation)]


def _trigger(function: Function, operation: Operation) -> Manifest:
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": {"name": f"{service_name(function)}-{_short(operation.on)}", "labels": _labels(function)},
        "spec": {
            "broker": BROKER,
            "filter": {"attributes": {"type": operation.on, **operation.filter}},
            "subscriber": _to(service_name(function)),
            "delivery": {
                "retry": _RETRIES,
                "backoffPolicy": "exponential",
                "backoffDelay": "PT2S",
                "timeout": f"PT{function.timeout_s}S",
                "deadLetterSink": _to(DEAD_LETTERS),
            },
        },
    }


def _clock(function: Function) -> Manifest:
    return {
        "apiVersion": "sources.knative.dev/v1",
        "kind": "PingSource",
        "metadata": {"name": f"{service_name(function)}-clock", "labels": _labels(function)},
        "spec": {"schedule": _CLOCK_SCHEDULE, "sink": _to(service_name(function))},
    }


def _disruption(function: Function) -> Manifest:
    """Lets a drain of nodes take one pod at a time. With `minAvailable` a single pod would block the drain."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": service_name(function), "labels": _labels(function)},
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": {"serving.knative.dev/service": service_name(function)}},
        },
    }


def _to(name: str) -> Manifest:
    return {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": name}}


def _labels(function: Function) -> dict[str, str]:
    return {"app.kubernetes.io/name": service_name(function), "app.kubernetes.io/part-of": "aegisrag"}


def _short(event_type: str) -> str:
    return "-".join(event_type.removeprefix("aegis.").removesuffix(".v1").replace("_", "-").split("."))


@functools.cache
def version() -> str:
    project = tomllib.loads((SERVICES.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def _kustomization(table: Table) -> str:
    files = [NETWORK, *(f"{service_name(function)}.yaml" for function in table.functions)]
    return _yaml([{"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": files}])


def _yaml(documents: list[Manifest]) -> str:
    return NOTE + "---\n".join(msgspec.yaml.encode(document).decode() for document in documents)


def rendered(table: Table) -> dict[str, str]:
    """Returns the content of each file in `services/` by its name."""
    files = {f"{service_name(function)}.yaml": _yaml(manifests(function)) for function in table.functions}
    return {**files, NETWORK: _yaml(network.policies(table)), "kustomization.yaml": _kustomization(table)}


def rendered_component(table: Table) -> dict[str, str]:
    """Returns the content of each file in `docling/` by its name: a component for an overlay, with which the rows that
    say so read pages by Docling's models on graphics cards."""
    rows = {service_name(function): function.docling for function in table.functions if function.docling}
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "aegis-config"}, "data": _DOCLING}
    component = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "patches": [
            {"path": "config.yaml"},
            *({"target": {"kind": "Service", "name": name}, "path": f"{name}.yaml"} for name in rows),
        ],
    }
    patches = {f"{name}.yaml": NOTE + msgspec.yaml.encode(_docling_patch(row)).decode() for name, row in rows.items()}
    return {"kustomization.yaml": _yaml([component]), "config.yaml": _yaml([settings]), **patches}


def _docling_patch(row: DoclingRow) -> list[Manifest]:
    container = "/spec/template/spec/containers/0"
    operations: list[Manifest] = [
        {"op": "replace", "path": f"{container}/image", "value": f"aegisrag/{row.image}:{version()}"}
    ]
    for kind in ("requests", "limits"):
        resources = f"{container}/resources/{kind}"
        operations += [
            {"op": "replace", "path": f"{resources}/memory", "value": row.memory},
            {"op": "add", "path": f"{resources}/nvidia.com~1gpu", "value": str(row.cards)},
        ]
    return operations


def stale(wanted: dict[str, str], folder: Path = SERVICES, rendered_files: str = "*.yaml") -> list[str]:
    """Returns files that are missing, differ, or are rendered no more; all that match `rendered_files` are rendered."""
    paths = {*folder.glob(rendered_files), *(folder / name for name in wanted)}
    there = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths if path.exists()}
    return sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))


def write(wanted: dict[str, str], folder: Path = SERVICES, rendered_files: str = "*.yaml") -> None:
    for name in stale(wanted, folder, rendered_files):
        if name in wanted:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()


def main() -> int:
    from knative import chart  # it renders by this module

    table, is_check, names = load(), "--check" in sys.argv, list[str]()
    for folder, wanted, rendered_files in (
        (SERVICES, rendered(table), "*.yaml"),
        (DOCLING, rendered_component(table), "*.yaml"),
        (chart.CHART, chart.rendered(table), chart.FUNCTIONS),
    ):
        place = folder.relative_to(SERVICES.parents[1])
        names += [f"{place}/{name}" for name in stale(wanted, folder, rendered_files)]
        if not is_check:
            write(wanted, folder, rendered_files)
    for name in names:
        print(f"{'stale' if is_check else 'written'}: {name}")
    if is_check and names:
        print("run `python -m knative.render` and commit what it writes", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
