"""Network policies rendered from the table: who may call the functions, and which stores each of them may reach."""

from typing import Any

from shared.table.table import Function, Need, Table

Manifest = dict[str, Any]

_PART = {"app.kubernetes.io/part-of": "aegisrag"}
_NAME = "app.kubernetes.io/name"
_CALLERS = ("knative-serving", "knative-eventing", "kourier-system")
# Ports of the container that Knative puts beside the function: requests, its readiness, load for the autoscaler.
_KNATIVE_PORTS = (8012, 8013, 8112, 8022, 9090, 9091)
_FUNCTION_PORT = 8080
_MONITORING = "monitoring"
_EVENTING = "knative-eventing"
# Ports of the servers that a need can stand on, wherever they run. 443 is a service of the cloud.
_PORTS: dict[Need, tuple[int, ...]] = {
    "blobs": (443, 8333, 9000),
    "counters": (6379,),
    "vectors": (6333,),
    "graph": (7687,),
    "embedding": (443, 11434),
    "model": (443, 11434),
}
_OF_INIT: tuple[Need, ...] = ("blobs", "counters", "vectors", "graph")


def service_name(function: Function) -> str:
    return function.name.replace("_", "-")


def has_routes(function: Function) -> bool:
    return any(operation.is_route for operation in function.operations)


def policies(table: Table) -> list[Manifest]:
    """Renders all policies: calls that come in, names, then a policy for each need with the functions that have it."""
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    outgoing = [_egress("aegis-to-dns", {"matchLabels": _PART}, [{"ports": dns}])]
    for need, ports in _PORTS.items():
        names = _with_need(table, need)
        outgoing.append(_egress(f"aegis-to-{need}", _functions(names), [{"ports": _tcp(*ports)}]))
    broker = {"to": [_namespace(_EVENTING)], "ports": _tcp(80, 443, 8080, 8443)}
    outgoing.append(_egress("aegis-to-bus", _functions(_with_need(table, "bus")), [broker]))
    # Every function with routes verifies tokens, which an issuer outside of the cluster may sign.
    issuer = _functions([service_name(function) for function in table.functions if has_routes(function)])
    outgoing.append(_egress("aegis-to-issuer", issuer, [{"ports": _tcp(443)}]))
    return [_ingress(), *outgoing]


def _ingress() -> Manifest:
    calls = {"from": [_namespace(name) for name in _CALLERS], "ports": _tcp(*_KNATIVE_PORTS)}
    scrapes = {"from": [_namespace(_MONITORING)], "ports": _tcp(_FUNCTION_PORT, 9091)}
    return _policy(
        "aegis-callers",
        {"podSelector": {"matchLabels": _PART}, "policyTypes": ["Ingress"], "ingress": [calls, scrapes]},
    )


def _egress(name: str, selector: Manifest, rules: list[Manifest]) -> Manifest:
    return _policy(name, {"podSelector": selector, "policyTypes": ["Egress"], "egress": rules})


def _policy(name: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "labels": _PART},
        "spec": spec,
    }


def _with_need(table: Table, need: Need) -> list[str]:
    names = [service_name(function) for function in table.functions if need in function.needs]
    if need == "counters":  # limits of public routes are counted in Redis too
        names += [service_name(f) for f in table.functions if has_routes(f) and need not in f.needs]
    return [*names, "init"] if need in _OF_INIT else names


def _functions(names: list[str]) -> Manifest:
    return {"matchLabels": _PART, "matchExpressions": [{"key": _NAME, "operator": "In", "values": sorted(names)}]}


def _namespace(name: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _tcp(*ports: int) -> list[Manifest]:
    return [{"protocol": "TCP", "port": port} for port in ports]
