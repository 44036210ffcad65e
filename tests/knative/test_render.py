"""The manifests are the table's rows, rendered."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from knative import network, render
from knative.lint import documents
from shared.runtime.wiring.cluster import check_variables
from shared.table.table import DEAD_LETTER, Function, load

TABLE = load()
FUNCTIONS = pytest.mark.parametrize("function", TABLE.functions, ids=lambda function: function.name)


def _of_kind(function: Function, kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in render.manifests(function) if manifest["kind"] == kind]


def test_the_committed_manifests_are_the_tables() -> None:
    assert render.stale(render.rendered(TABLE)) == [], "run `python -m knative.render` and commit what it writes"
    assert render.stale(render.rendered_component(TABLE), render.DOCLING) == []


def test_a_changed_a_missing_and_a_left_over_file_are_stale(tmp_path: Path) -> None:
    wanted = render.rendered(TABLE)
    render.write(wanted, tmp_path)
    assert render.stale(wanted, tmp_path) == []
    (tmp_path / "ask.yaml").write_text("kind: Service\n")
    (tmp_path / "gone.yaml").write_text("kind: Service\n")
    (tmp_path / "parse.yaml").unlink()
    assert render.stale(wanted, tmp_path) == ["ask.yaml", "gone.yaml", "parse.yaml"]
    render.write(wanted, tmp_path)
    assert render.stale(wanted, tmp_path) == []


@FUNCTIONS
def test_a_service_gives_its_function_everything_that_it_refuses_to_start_without(function: Function) -> None:
    required = {variable.name: "set" for variable in render.variables(function) if not variable.optional}
    check_variables((function,), required)


@FUNCTIONS
def test_a_service_scales_and_ends_as_its_row_says(function: Function) -> None:
    (service,) = _of_kind(function, "Service")
    template = service["spec"]["template"]
    scale = {key.partition("/")[2]: value for key, value in template["metadata"]["annotations"].items()}
    assert (scale["min-scale"], scale["max-scale"]) == (str(function.min_scale), str(function.max_scale))
    assert template["spec"]["containerConcurrency"] == function.concurrency
    assert template["spec"]["timeoutSeconds"] == function.timeout_s <= 600
    assert template["spec"]["containers"][0]["args"] == [function.name]
    limits = template["spec"]["containers"][0]["resources"]["limits"]
    assert (limits["cpu"], limits["memory"]) == (function.cpu, function.memory)


@FUNCTIONS
def test_only_functions_with_routes_are_seen_from_outside(function: Function) -> None:
    (service,) = _of_kind(function, "Service")
    is_local = service["metadata"]["labels"].get("networking.knative.dev/visibility") == "cluster-local"
    assert is_local == all(not operation.is_route for operation in function.operations)


@FUNCTIONS
def test_every_event_a_row_listens_to_reaches_its_function(function: Function) -> None:
    on_remaining = {operation.on: operation.filter for operation in function.operations if not operation.is_route}
    ticks = on_remaining.pop(render.CLOCK, None)
    on_remaining.pop(DEAD_LETTER, None)
    filters = [trigger["spec"]["filter"]["attributes"] for trigger in _of_kind(function, "Trigger")]
    assert sorted(filters, key=str) == sorted(({"type": on, **extra} for on, extra in on_remaining.items()), key=str)
    assert len(_of_kind(function, "PingSource")) == (ticks is not None)
    for waker in _of_kind(function, "Trigger"):
        assert waker["spec"]["subscriber"]["ref"]["name"] == network.service_name(function)


def test_five_attempts_and_then_the_dead_letters() -> None:
    triggers = [trigger for function in TABLE.functions for trigger in _of_kind(function, "Trigger")]
    (keeper,) = [function.name for function, _ in TABLE.listeners(DEAD_LETTER)]
    for trigger in triggers:
        delivery = trigger["spec"]["delivery"]
        assert delivery["retry"] == 4
        assert (delivery["backoffPolicy"], delivery["backoffDelay"]) == ("exponential", "PT2S")
        assert delivery["deadLetterSink"]["ref"]["name"] == keeper
    assert triggers


def test_names_are_the_tables_own_and_no_two_are_the_same() -> None:
    named = [(one["kind"], one["metadata"]["name"]) for f in TABLE.functions for one in render.manifests(f)]
    assert len(named) == len(set(named))


def test_secrets_are_read_from_the_secret_and_from_nowhere_else() -> None:
    for function in TABLE.functions:
        (service,) = _of_kind(function, "Service")
        for variable in service["spec"]["template"]["spec"]["containers"][0]["env"]:
            is_secret = any(word in variable["name"] for word in ("SECRET", "KEY", "REDIS_URL", "PASSWORD"))
            assert set(variable["valueFrom"]) == {"secretKeyRef" if is_secret else "configMapKeyRef"}


@pytest.mark.parametrize(("limit", "requested"), [("1", "250m"), ("500m", "125m"), ("0.5", "125m"), ("4", "1000m")])
def test_a_function_reserves_a_quarter_of_the_processor_that_it_may_use(limit: str, requested: str) -> None:
    assert render._requested_cpu(limit) == requested


def test_the_first_job_runs_the_image_that_the_functions_run() -> None:
    job = next(manifest for _, manifest in documents(render.SERVICES.parent / "init/job.yaml"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (service,) = _of_kind(TABLE.function("upload"), "Service")
    (own,) = service["spec"]["template"]["spec"]["containers"]
    assert container["image"] == own["image"]
    assert container["securityContext"] == own["securityContext"]


def test_the_warm_pool_is_never_without_a_pod_and_scales_by_its_processors() -> None:
    pools = [function for function in TABLE.functions if "pool" in function.needs]
    assert [function.name for function in pools] == ["parse_gpu"]
    (service,) = _of_kind(pools[0], "Service")
    template = service["spec"]["template"]
    scale = {key.partition("/")[2]: value for key, value in template["metadata"]["annotations"].items()}
    assert scale["class"] == "hpa.autoscaling.knative.dev"
    assert (scale["metric"], scale["target"], scale["min-scale"]) == ("cpu", "70", "1")
    resources = template["spec"]["containers"][0]["resources"]
    assert "nvidia.com/gpu" not in resources["limits"], "the built-in models compute on processors"
    assert resources["requests"]["cpu"] == resources["limits"]["cpu"], "what its load is a share of"


def test_everything_but_the_warm_pool_scales_to_zero_and_asks_for_no_card() -> None:
    for function in TABLE.functions:
        if "pool" not in function.needs:
            (service,) = _of_kind(function, "Service")
            container = service["spec"]["template"]["spec"]["containers"][0]
            assert function.min_scale == 0 and "nvidia.com/gpu" not in container["resources"]["limits"]


def test_a_card_is_reserved_only_where_doclings_models_use_it() -> None:
    component = next(manifest for _, manifest in documents(render.DOCLING / "kustomization.yaml"))
    settings, pool = component["patches"]
    assert pool["target"] == {"kind": "Service", "name": "parse-gpu"}
    ((_, config),) = documents(render.DOCLING / settings["path"])
    assert config["data"]["AEGIS_PDF_ENGINE"] == "docling"
    (service,) = _of_kind(TABLE.function("parse_gpu"), "Service")
    for operation in msgspec.yaml.decode((render.DOCLING / pool["path"]).read_text()):
        *path, last = (step.replace("~1", "/") for step in operation["path"].split("/")[1:])
        place: Any = service
        for step in path:
            place = place[int(step)] if isinstance(place, list) else place[step]
        assert (last in place) == (operation["op"] == "replace")
        place[last] = operation["value"]
    (container,) = service["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("aegisrag/documents-gpu:")
    limits, requests = container["resources"]["limits"], container["resources"]["requests"]
    assert limits["nvidia.com/gpu"] == requests["nvidia.com/gpu"] == "1" and limits["memory"] == "16Gi"
    readers = [function.name for function in TABLE.functions if "AEGIS_PDF_ENGINE" in _names(function)]
    assert readers == ["parse_gpu"], "no other image has the models"


def _names(function: Function) -> set[str]:
    return {variable.name for variable in render.variables(function)}


def test_whoever_chooses_a_route_is_told_whether_there_is_a_pool() -> None:
    for name in ("upload", "intake", "estimate", "formats", "parse_gpu"):
        assert "AEGIS_POOL_WORKERS" in {variable.name for variable in render.variables(TABLE.function(name))}


def test_a_pod_of_the_warm_pool_goes_at_a_time_and_a_drain_of_nodes_never_waits() -> None:
    budgets = [one for function in TABLE.functions for one in _of_kind(function, "PodDisruptionBudget")]
    assert [one["metadata"]["name"] for one in budgets] == ["parse-gpu"]
    assert budgets[0]["spec"]["maxUnavailable"] == 1 and "minAvailable" not in budgets[0]["spec"]
    assert budgets[0]["spec"]["selector"] == {"matchLabels": {"serving.knative.dev/service": "parse-gpu"}}


def test_the_warm_pool_has_a_minute_to_answer_before_liveness_counts() -> None:
    (service,) = _of_kind(TABLE.function("parse_gpu"), "Service")
    probe = service["spec"]["template"]["spec"]["containers"][0]["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] == 60


def _ports_out(function: Function) -> set[int]:
    """The ports that the policies open to a function, names apart."""
    name, found = network.service_name(function), set()
    for policy in network.policies(TABLE):
        expressions = policy["spec"]["podSelector"].get("matchExpressions", [])
        if all(name in one["values"] for one in expressions):
            found |= {port["port"] for rule in policy["spec"].get("egress", []) for port in rule["ports"]}
    return found - {53}


@pytest.mark.parametrize(("need", "port"), [("counters", 6379), ("vectors", 6333), ("graph", 7687), ("model", 11434)])
def test_a_function_reaches_the_stores_of_its_row_and_no_other(need: str, port: int) -> None:
    for function in TABLE.functions:
        by_need = need in function.needs or (need == "model" and "embedding" in function.needs)
        # Limits of public routes are counted in Redis where there is one.
        wanted = by_need or (need == "counters" and network.has_routes(function))
        assert (port in _ports_out(function)) == wanted, function.name


def test_only_a_function_that_publishes_reaches_the_broker() -> None:
    for function in TABLE.functions:
        assert (8080 in _ports_out(function)) == ("bus" in function.needs), function.name


def test_no_policy_lets_a_caller_past_knatives_proxy_except_for_metrics() -> None:
    (policy,) = [one for one in network.policies(TABLE) if "ingress" in one["spec"]]
    for rule in policy["spec"]["ingress"]:
        names = {one["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for one in rule["from"]}
        assert (8080 in {port["port"] for port in rule["ports"]}) == (names == {"monitoring"})


def test_every_setting_of_a_function_can_be_set_on_a_cluster() -> None:
    settings = (render.SERVICES.parents[1] / "docs/reference/settings.md").read_text(encoding="utf-8")
    process, _, rest = settings.partition("## Client commands")
    read = set(re.findall(r"^\| `([A-Z_0-9]+)`", process, re.MULTILINE)) - {
        *("AEGIS_DATA", "AEGIS_EMBEDDED", "HOST", "PORT"),  # of the embedded backends, of the image and of Knative
        *("AWS_REGION", "OLLAMA_API_KEY"),  # other names of variables that are set
    }
    assert read <= {variable.name for function in TABLE.functions for variable in render.variables(function)}
    assert rest
