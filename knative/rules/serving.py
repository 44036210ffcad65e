"""Rules of Knative Serving's webhook, and of the pod that it tries out, for a Service."""

from collections.abc import Iterator
from typing import Any

from knative.rules import spellings
from knative.rules.fields import misfits
from knative.rules.resource import Resource, Rule
from knative.rules.shapes import SERVICE

_LONGEST_CALL_S = 600
_MOST_CONCURRENT = 1000
_RESERVED_PORTS = frozenset({8008, 8012, 8013, 8022, 9090, 9091})
_RESERVED_VARIABLES = frozenset({"PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"})
_RESERVED_PATHS = frozenset({"/", "/dev", "/dev/log"})
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
_SOURCES = ("emptyDir", "secret", "configMap", "projected")


def fields_fit(service: Resource) -> Iterator[str]:
    return misfits(service.manifest, SERVICE)


def name_is_a_label(service: Resource) -> Iterator[str]:
    if not spellings.is_label(service.name):
        yield f"metadata.name: {service.name!r} is not a DNS label"


def scale_stands_on_the_template(service: Resource) -> Iterator[str]:
    for key in service.annotations:
        if key.startswith("autoscaling.knative.dev"):
            yield f"metadata.annotations: {key} works only under spec.template.metadata.annotations"


def rollout_is_a_duration(service: Resource) -> Iterator[str]:
    value = service.annotations.get("serving.knative.dev/rollout-duration")
    if value and not _is_whole_seconds(value):
        yield f"metadata.annotations: rollout-duration {value!r} is not a duration of whole seconds"


def deadline_is_a_duration(service: Resource) -> Iterator[str]:
    noted = service.at("spec", "template", "metadata", "annotations") or {}
    value = noted.get("serving.knative.dev/progress-deadline")
    if value and not _is_whole_seconds(value):
        yield f"spec.template.metadata.annotations: progress-deadline {value!r} is not a duration of whole seconds"


def revision_is_named_after_its_service(service: Resource) -> Iterator[str]:
    name = service.at("spec", "template", "metadata", "name")
    if name and not (name.startswith(f"{service.name}-") and spellings.is_label(name)):
        yield f"spec.template.metadata.name: {name!r} is not a DNS label that begins with {service.name}-"


def scaler_is_known(service: Resource) -> Iterator[str]:
    value = service.scaling.get("class", "")
    known = {"kpa.autoscaling.knative.dev", "hpa.autoscaling.knative.dev"}
    if value.endswith("autoscaling.knative.dev") and value not in known:
        yield _scaling("class", f"{value!r} is not a scaler")


def metric_fits_the_scaler(service: Resource) -> Iterator[str]:
    metric = service.scaling.get("metric")
    scaler = service.scaling.get("class", "kpa.autoscaling.knative.dev")
    if metric is None:
        return
    if scaler.startswith("kpa.") and metric not in ("concurrency", "rps"):
        yield _scaling("metric", f"{metric!r} cannot drive {scaler}")
    if scaler.startswith("hpa.") and not metric:
        yield _scaling("metric", f"is empty, which cannot drive {scaler}")


def scales_are_counts(service: Resource) -> Iterator[str]:
    for key in ("min-scale", "max-scale", "initial-scale", "activation-scale"):
        value = service.scaling.get(key)
        if value is not None and not (value.isascii() and value.isdigit()):
            yield _scaling(key, f"{value!r} is not a whole number of at least 0")


def scales_are_ordered(service: Resource) -> Iterator[str]:
    least, most = _count(service, "min-scale") or 0, _count(service, "max-scale") or 0
    if most and most < least:
        yield _scaling("max-scale", f"{most} is below min-scale {least}")
    first = _count(service, "activation-scale")
    if first is not None and (first < max(least, 2) or (most and first > most)):
        yield _scaling("activation-scale", f"{first} is not between 2, min-scale and max-scale")


def a_revision_starts_with_a_pod(service: Resource) -> Iterator[str]:
    if _count(service, "initial-scale") == 0:
        yield _scaling("initial-scale", "0 is only taken where the cluster sets allow-zero-initial-scale")


def spans_are_within_bounds(service: Resource) -> Iterator[str]:
    bounds = {"window": 6.0, "scale-down-delay": 0.0, "scale-to-zero-pod-retention-period": 0.0}
    for key, least in bounds.items():
        value = service.scaling.get(key)
        span = spellings.seconds(value) if value is not None else least
        if span is None or not least <= span <= 3600:
            yield _scaling(key, f"{value!r} is not a duration from {least:g}s to 1h")
        elif key != "scale-to-zero-pod-retention-period" and span % 1:
            yield _scaling(key, f"{value!r} is not in whole seconds")


def shares_are_within_bounds(service: Resource) -> Iterator[str]:
    bounds = {
        "target": (0.01, float("inf")),
        "target-utilization-percentage": (1, 100),
        "panic-window-percentage": (1, 100),
        "panic-threshold-percentage": (110, 1000),
    }
    for key, (least, most) in bounds.items():
        value = service.scaling.get(key)
        if value is not None and not least <= _number(value) <= most:
            yield _scaling(key, f"{value!r} is not a number from {least:g} to {most:g}")
    burst = service.scaling.get("target-burst-capacity")
    if burst is not None and not (_number(burst) >= 0 or _number(burst) == -1):
        yield _scaling("target-burst-capacity", f"{burst!r} is neither -1 nor at least 0")


def calls_end_in_time(service: Resource) -> Iterator[str]:
    longest = service.pod.get("timeoutSeconds", 0)
    if not 0 <= longest <= _LONGEST_CALL_S:
        yield f"spec.template.spec.timeoutSeconds: {longest} is not from 0 to {_LONGEST_CALL_S}"


def concurrency_is_bounded(service: Resource) -> Iterator[str]:
    value = service.pod.get("containerConcurrency", 0)
    if not 0 <= value <= _MOST_CONCURRENT:
        yield f"spec.template.spec.containerConcurrency: {value} is not from 0 to {_MOST_CONCURRENT}"


def traffic_is_whole(service: Resource) -> Iterator[str]:
    targets = service.spec.get("traffic") or []
    total = sum(target.get("percent", 0) for target in targets)
    if targets and total != 100:
        yield f"spec.traffic: the percentages sum to {total}, not 100"


def traffic_knows_where_to_go(service: Resource) -> Iterator[str]:
    targets = service.spec.get("traffic") or []
    tags = [target["tag"] for target in targets if target.get("tag")]
    for tag in sorted({tag for tag in tags if tags.count(tag) > 1 or not spellings.is_label(tag)}):
        yield f"spec.traffic: the tag {tag!r} stands twice or is not a DNS label"
    for number, target in enumerate(targets):
        if "latestRevision" in target and target["latestRevision"] == bool(target.get("revisionName")):
            yield f"spec.traffic[{number}]: either the latest revision or one by its name"


def something_runs(service: Resource) -> Iterator[str]:
    if not service.containers:
        yield "spec.template.spec.containers: there is none"


def images_have_names(service: Resource) -> Iterator[str]:
    for path, container in _containers(service):
        image = container.get("image", "")
        if not spellings.is_image(image):
            yield f"{path}.image: {image!r} is not the name of an image"


def one_port_is_served(service: Resource) -> Iterator[str]:
    ports = [port for container in service.containers for port in container.get("ports") or []]
    if len(ports) > 1:
        yield "spec.template.spec.containers: more than one port, and Knative serves one"
    if not ports and len(service.containers) > 1:
        yield "spec.template.spec.containers: several, and none says which port is served"


def ports_are_free(service: Resource) -> Iterator[str]:
    for path, container in _containers(service):
        for port in container.get("ports") or []:
            number = port.get("containerPort", 8080)
            if number in _RESERVED_PORTS or not 0 <= number <= 65535:
                yield f"{path}.ports: {number} is Knative's own or no port"
            if port.get("name", "") not in ("", "http1", "h2c") or port.get("protocol", "TCP") != "TCP":
                yield f"{path}.ports: the name says the protocol and is http1 or h2c, over TCP"


def variables_are_free(service: Resource) -> Iterator[str]:
    for path, container in _containers(service):
        for variable in container.get("env") or []:
            name = variable.get("name", "")
            if not name or (name in _RESERVED_VARIABLES and _is_serving(service, container)):
                yield f"{path}.env: {name!r} is Knative's own or no name"


def a_probe_has_one_handler(service: Resource) -> Iterator[str]:
    for path, _, probe in _probes(service):
        asked = [handler for handler in _HANDLERS if handler in probe]
        if len(asked) > 1 or (not asked and not path.endswith("readinessProbe")):
            yield f"{path}: asks {len(asked)} things, not one of {', '.join(_HANDLERS)}"


def probes_ask_the_served_port(service: Resource) -> Iterator[str]:
    """A probe may ask any port by number, by name only the container's own."""
    for path, container, probe in _probes(service):
        own = next((port.get("name") for port in container.get("ports") or []), None) or "http"
        port = (probe.get("httpGet") or probe.get("tcpSocket") or {}).get("port")
        if isinstance(port, str) and port not in ("", own):
            yield f"{path}: the port {port!r} is not the container's"


def a_startup_probe_names_its_port(service: Resource) -> Iterator[str]:
    """Knative fills in the port of the other two only."""
    for path, _, probe in _probes(service):
        handler = probe.get("httpGet", probe.get("tcpSocket"))
        if path.endswith("startupProbe") and handler is not None and not handler.get("port"):
            yield f"{path}: names no port"


def readiness_limits_need_a_period(service: Resource) -> Iterator[str]:
    """Without a period Knative chooses the interval itself, and refuses a time-out and a failure threshold."""
    for path, _, probe in _probes(service):
        if not path.endswith("readinessProbe"):
            continue
        given = [key for key in ("timeoutSeconds", "failureThreshold") if probe.get(key)]
        if given and not probe.get("periodSeconds"):
            yield f"{path}: {' and '.join(given)} need a periodSeconds above 0"


def probes_count_forward(service: Resource) -> Iterator[str]:
    for path, _, probe in _probes(service):
        for key, value in probe.items():
            if isinstance(value, int) and value < 0:
                yield f"{path}.{key}: {value} is below 0"


def amounts_are_quantities(service: Resource) -> Iterator[str]:
    for path, container in _containers(service):
        for kind, amounts in (container.get("resources") or {}).items():
            for name, amount in amounts.items():
                value = spellings.quantity(amount)
                if value is None or value < 0:
                    yield f"{path}.resources.{kind}.{name}: {amount!r} is not an amount"


def requests_stay_within_limits(service: Resource) -> Iterator[str]:
    for path, container in _containers(service):
        resources = container.get("resources") or {}
        limits = resources.get("limits") or {}
        for name, amount in (resources.get("requests") or {}).items():
            wanted, most = spellings.quantity(amount), spellings.quantity(limits.get(name, amount))
            if wanted is not None and most is not None and wanted > most:
                yield f"{path}.resources: requests {amount} of {name}, above its limit {limits[name]}"


def volumes_are_of_one_kind(service: Resource) -> Iterator[str]:
    for volume in service.pod.get("volumes") or []:
        name, kinds = volume.get("name", ""), [kind for kind in _SOURCES if kind in volume]
        if len(kinds) != 1 or not spellings.is_label(name):
            yield f"spec.template.spec.volumes: {name!r} has not a DNS label and one of {', '.join(_SOURCES)}"


def volumes_and_mounts_match(service: Resource) -> Iterator[str]:
    volumes = [volume.get("name") for volume in service.pod.get("volumes") or []]
    mounted = [mount.get("name") for _, mount in _mounts(service)]
    for name in volumes:
        if name not in mounted or volumes.count(name) > 1:
            yield f"spec.template.spec.volumes: {name!r} is mounted nowhere or stands twice"
    for path, mount in _mounts(service):
        if mount.get("name") not in volumes:
            yield f"{path}: there is no volume {mount.get('name')!r}"


def mounts_are_at_free_paths(service: Resource) -> Iterator[str]:
    for container_path, container in _containers(service):
        seen: set[str] = set()
        for mount in container.get("volumeMounts") or []:
            place = "/" + mount.get("mountPath", "").strip("/")
            if not mount.get("mountPath", "").startswith("/") or place in _RESERVED_PATHS | seen:
                yield f"{container_path}.volumeMounts: {mount.get('mountPath')!r} is relative, reserved or taken"
            seen.add(place)


def the_account_exists(service: Resource) -> Iterator[str]:
    name = service.pod.get("serviceAccountName", "default")
    if name not in service.accounts:
        yield f"spec.template.spec.serviceAccountName: there is no account {name!r}"


def tokens_can_only_be_left_out(service: Resource) -> Iterator[str]:
    if service.pod.get("automountServiceAccountToken"):
        yield "spec.template.spec.automountServiceAccountToken: can only be false"


RULES: tuple[Rule, ...] = (
    name_is_a_label,
    scale_stands_on_the_template,
    rollout_is_a_duration,
    deadline_is_a_duration,
    revision_is_named_after_its_service,
    scaler_is_known,
    metric_fits_the_scaler,
    scales_are_counts,
    scales_are_ordered,
    a_revision_starts_with_a_pod,
    spans_are_within_bounds,
    shares_are_within_bounds,
    calls_end_in_time,
    concurrency_is_bounded,
    traffic_is_whole,
    traffic_knows_where_to_go,
    something_runs,
    images_have_names,
    one_port_is_served,
    ports_are_free,
    variables_are_free,
    a_probe_has_one_handler,
    probes_ask_the_served_port,
    a_startup_probe_names_its_port,
    readiness_limits_need_a_period,
    probes_count_forward,
    amounts_are_quantities,
    requests_stay_within_limits,
    volumes_are_of_one_kind,
    volumes_and_mounts_match,
    mounts_are_at_free_paths,
    the_account_exists,
    tokens_can_only_be_left_out,
)


def _containers(service: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, container in enumerate(service.containers):
        yield f"spec.template.spec.containers[{number}]", container


def _probes(service: Resource) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for path, container in _containers(service):
        for kind in _PROBES:
            if container.get(kind) is not None:
                yield f"{path}.{kind}", container, container[kind]


def _mounts(service: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, container in _containers(service):
        for mount in container.get("volumeMounts") or []:
            yield f"{path}.volumeMounts", mount


def _is_serving(service: Resource, container: dict[str, Any]) -> bool:
    return len(service.containers) == 1 or bool(container.get("ports"))


def _scaling(key: str, what: str) -> str:
    return f"spec.template.metadata.annotations: autoscaling.knative.dev/{key} {what}"


def _count(service: Resource, key: str) -> int | None:
    value = service.scaling.get(key, "")
    return int(value) if value.isascii() and value.isdigit() else None


def _number(text: str) -> float:
    """Returns NaN, which is within no bounds, for what is no number."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _is_whole_seconds(text: str) -> bool:
    value = spellings.seconds(text)
    return value is not None and value >= 0 and value % 1 == 0
