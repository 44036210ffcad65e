"""Our own rules for a Service, beyond the webhooks: no setting without effect, the restricted profile."""

from collections.abc import Iterator
from typing import Any

from knative.rules.resource import Resource, Rule

_SCALING = frozenset(
    {
        "activation-scale",
        "class",
        "initial-scale",
        "max-scale",
        "metric",
        "metric-aggregation-algorithm",
        "min-scale",
        "panic-threshold-percentage",
        "panic-window-percentage",
        "scale-down-delay",
        "scale-to-zero-pod-retention-period",
        "target",
        "target-burst-capacity",
        "target-utilization-percentage",
        "window",
    }
)
_SECURE: dict[str, Any] = {
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def scaling_annotations_are_known(service: Resource) -> Iterator[str]:
    for key in service.scaling.keys() - _SCALING:
        yield f"spec.template.metadata.annotations: autoscaling.knative.dev/{key} is taken and does nothing"


def scale_has_a_ceiling(service: Resource) -> Iterator[str]:
    if service.scaling.get("max-scale", "0") == "0":
        yield "spec.template.metadata.annotations: autoscaling.knative.dev/max-scale is missing"


def visibility_is_cluster_local_or_absent(service: Resource) -> Iterator[str]:
    value = (service.at("metadata", "labels") or {}).get("networking.knative.dev/visibility", "cluster-local")
    if value != "cluster-local":
        yield f"metadata.labels: visibility {value!r} is taken and leaves the service public"


def rollout_stands_on_the_service(service: Resource) -> Iterator[str]:
    noted = service.at("spec", "template", "metadata", "annotations") or {}
    if "serving.knative.dev/rollout-duration" in noted:
        yield "spec.template.metadata.annotations: rollout-duration works only under metadata.annotations"


def the_first_byte_may_take_as_long_as_the_answer(service: Resource) -> Iterator[str]:
    longest, first = service.pod.get("timeoutSeconds", 300), service.pod.get("responseStartTimeoutSeconds", 300)
    if first != longest:
        yield f"spec.template.spec.responseStartTimeoutSeconds: is {first} where the whole call may take {longest}"


def containers_are_restricted(service: Resource) -> Iterator[str]:
    for number, container in enumerate(service.containers):
        context = container.get("securityContext") or {}
        for key, wanted in _SECURE.items():
            if context.get(key) != wanted:
                yield f"spec.template.spec.containers[{number}].securityContext.{key}: is not {wanted}"
        if not context.get("runAsUser"):
            yield f"spec.template.spec.containers[{number}].securityContext.runAsUser: is no number above 0"


def containers_declare_their_resources(service: Resource) -> Iterator[str]:
    for number, container in enumerate(service.containers):
        for kind in ("requests", "limits"):
            given = (container.get("resources") or {}).get(kind) or {}
            for name in {"cpu", "memory"} - given.keys():
                yield f"spec.template.spec.containers[{number}].resources.{kind}.{name}: missing"


def containers_are_probed(service: Resource) -> Iterator[str]:
    for number, container in enumerate(service.containers):
        for kind in {"livenessProbe", "readinessProbe"} - container.keys():
            yield f"spec.template.spec.containers[{number}].{kind}: missing"


def scratch_is_limited(service: Resource) -> Iterator[str]:
    for volume in service.pod.get("volumes") or []:
        if "emptyDir" in volume and not (volume["emptyDir"] or {}).get("sizeLimit"):
            yield f"spec.template.spec.volumes: {volume.get('name')!r} has no sizeLimit"


def images_have_a_version(service: Resource) -> Iterator[str]:
    for number, container in enumerate(service.containers):
        last = container.get("image", "").rpartition("/")[2]
        if ":" not in last or last.endswith(":latest"):
            yield f"spec.template.spec.containers[{number}].image: has neither a version nor a digest"


RULES: tuple[Rule, ...] = (
    scaling_annotations_are_known,
    scale_has_a_ceiling,
    visibility_is_cluster_local_or_absent,
    rollout_stands_on_the_service,
    the_first_byte_may_take_as_long_as_the_answer,
    containers_are_restricted,
    containers_declare_their_resources,
    containers_are_probed,
    scratch_is_limited,
    images_have_a_version,
)
