"""The lint of manifests says what Knative's admission says, and every one of its rules can refuse."""

import copy
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from knative import lint
from knative.rules import eventing, ours, serving, spellings
from knative.rules.cesql import is_cesql
from knative.rules.resource import Resource, Rule
from shared.table.table import load

RECORDED = Path(__file__).parent / "verdicts"
SOUND = Path(lint.__file__).parent / "services"
ACCOUNTS = frozenset({"default", "aegis"})
Manifest = dict[str, Any]
Change = Callable[[Manifest], Any]


def _recorded() -> list[tuple[str, str, str]]:
    found = []
    for folder, record in (("serving", "serving-1.23.txt"), ("eventing", "eventing-1.22.txt")):
        lines = re.finditer(r"^(ok|REFUSED)\s+(\S+#\d+)", (RECORDED / record).read_text(), re.MULTILINE)
        found += [(folder, line[2], line[1]) for line in lines]
    return found


@pytest.fixture(scope="module")
def verdicts() -> dict[str, lint.Verdict]:
    folders = [sorted((RECORDED / folder).glob("*.yaml")) for folder in ("serving", "eventing")]
    return {verdict.where: verdict for files in folders for verdict in lint.verdicts(files)}


@pytest.mark.parametrize(("folder", "where", "verdict"), _recorded())
def test_the_lint_agrees_with_the_webhook(
    verdicts: dict[str, lint.Verdict], folder: str, where: str, verdict: str
) -> None:
    assert ("REFUSED" if verdicts[where].refusals else "ok") == verdict, verdicts[where].refusals


def test_every_recorded_manifest_has_a_verdict_and_the_other_way_round(verdicts: dict[str, lint.Verdict]) -> None:
    assert verdicts.keys() == {where for _, where, _ in _recorded()}
    assert len(verdicts) > 80


def test_what_the_suite_sends_to_a_cluster_is_accepted() -> None:
    files = sorted(path for folder in ("base", "services") for path in (SOUND.parent / folder).glob("*.yaml"))
    judged = lint.verdicts(files)
    assert [verdict for verdict in judged if verdict.refusals or verdict.demands] == []
    assert len(judged) > len(load().functions)


def _sound(kind: str) -> Manifest:
    """A manifest that every rule accepts."""
    if kind == "Broker":
        return next(manifest for _, manifest in lint.documents(SOUND.parent / "base/broker.yaml"))
    files = (SOUND / "parse.yaml", SOUND / "sweep.yaml")
    found = [manifest for file in files for _, manifest in lint.documents(file) if manifest["kind"] == kind]
    return found[0]


def _pod(manifest: Manifest) -> Manifest:
    pod: Manifest = manifest["spec"]["template"]["spec"]
    return pod


def _container(manifest: Manifest) -> Manifest:
    container: Manifest = _pod(manifest)["containers"][0]
    return container


def _scaled(**changes: str) -> Change:
    named = {f"autoscaling.knative.dev/{key.replace('_', '-')}": value for key, value in changes.items()}
    return lambda manifest: manifest["spec"]["template"]["metadata"]["annotations"].update(named)


def _noted(key: str, value: str) -> Change:
    return lambda manifest: manifest["metadata"].setdefault("annotations", {}).update({key: value})


def _templated(key: str, value: str) -> Change:
    return lambda manifest: manifest["spec"]["template"]["metadata"]["annotations"].update({key: value})


def _in_pod(**changes: Any) -> Change:
    return lambda manifest: _pod(manifest).update(changes)


def _in_container(**changes: Any) -> Change:
    return lambda manifest: _container(manifest).update(changes)


def _in_spec(**changes: Any) -> Change:
    return lambda manifest: manifest["spec"].update(changes)


def _delivered(**changes: Any) -> Change:
    return lambda manifest: manifest["spec"].setdefault("delivery", {}).update(changes)


def _mounted(*mounts: Manifest) -> Change:
    return _in_container(volumeMounts=list(mounts))


HTTP = {"path": "/health"}
TMP = {"name": "tmp", "mountPath": "/tmp"}
TRAFFIC = {"latestRevision": True, "percent": 100}
SPOILED: dict[str, dict[Rule, Sequence[Change]]] = {
    "Service": {
        serving.fields_fit: (
            _in_pod(restartPolicy="Always"),
            _in_pod(timeoutSeconds="soon"),
            _in_pod(enableServiceLinks="no"),
            _in_pod(containers={"image": "one"}),
            _in_pod(nodeSelector={"gpu": "h100"}),
            _scaled(min_scale=1),  # type: ignore[arg-type]
        ),
        serving.name_is_a_label: (lambda manifest: manifest["metadata"].update(name="parse_gpu"),),
        serving.scale_stands_on_the_template: (_noted("autoscaling.knative.dev/min-scale", "1"),),
        serving.rollout_is_a_duration: (
            _noted("serving.knative.dev/rollout-duration", "1x"),
            _noted("serving.knative.dev/rollout-duration", "1.5s"),
        ),
        serving.deadline_is_a_duration: (_templated("serving.knative.dev/progress-deadline", "-5s"),),
        serving.revision_is_named_after_its_service: (
            lambda manifest: manifest["spec"]["template"]["metadata"].update(name="other-00001"),
        ),
        serving.scaler_is_known: (_scaled(**{"class": "kpb.autoscaling.knative.dev"}),),
        serving.metric_fits_the_scaler: (
            _scaled(metric="cpu"),
            _scaled(**{"class": "hpa.autoscaling.knative.dev", "metric": ""}),
        ),
        serving.scales_are_counts: (_scaled(min_scale="-1"), _scaled(max_scale="many")),
        serving.scales_are_ordered: (_scaled(min_scale="99"), _scaled(activation_scale="1")),
        serving.a_revision_starts_with_a_pod: (_scaled(initial_scale="0"),),
        serving.spans_are_within_bounds: (
            _scaled(window="5s"),
            _scaled(window="soon"),
            _scaled(scale_down_delay="1.5s"),
            _scaled(scale_to_zero_pod_retention_period="61m"),
        ),
        serving.shares_are_within_bounds: (
            _scaled(target="0"),
            _scaled(target_utilization_percentage="101"),
            _scaled(panic_window_percentage="all"),
            _scaled(target_burst_capacity="-2"),
        ),
        serving.calls_end_in_time: (_in_pod(timeoutSeconds=601), _in_pod(timeoutSeconds=-1)),
        serving.concurrency_is_bounded: (_in_pod(containerConcurrency=1001),),
        serving.traffic_is_whole: (_in_spec(traffic=[{"latestRevision": True, "percent": 90}]),),
        serving.traffic_knows_where_to_go: (
            _in_spec(traffic=[{**TRAFFIC, "tag": "Canary"}]),
            _in_spec(traffic=[{**TRAFFIC, "revisionName": "parse-00001"}]),
        ),
        serving.something_runs: (_in_pod(containers=[]),),
        serving.images_have_names: (_in_container(image="not an image!!"), _in_container(image="")),
        serving.one_port_is_served: (
            _in_container(ports=[{"containerPort": 8080}, {"containerPort": 8081}]),
            _in_pod(containers=[{"image": "one"}, {"image": "two"}]),
        ),
        serving.ports_are_free: (
            _in_container(ports=[{"containerPort": 9090}]),
            _in_container(ports=[{"containerPort": 8080, "name": "web"}]),
        ),
        serving.variables_are_free: (_in_container(env=[{"name": "PORT", "value": "80"}]),),
        serving.a_probe_has_one_handler: (
            _in_container(livenessProbe={"periodSeconds": 1}),
            _in_container(readinessProbe={"httpGet": HTTP, "exec": {"command": ["true"]}}),
        ),
        serving.probes_ask_the_served_port: (_in_container(livenessProbe={"httpGet": {**HTTP, "port": "web"}}),),
        serving.a_startup_probe_names_its_port: (_in_container(startupProbe={"httpGet": HTTP}),),
        serving.readiness_limits_need_a_period: (
            _in_container(readinessProbe={"httpGet": HTTP, "failureThreshold": 3}),
        ),
        serving.probes_count_forward: (_in_container(livenessProbe={"httpGet": HTTP, "periodSeconds": -1}),),
        serving.amounts_are_quantities: (_in_container(resources={"limits": {"memory": "1 GB"}}),),
        serving.requests_stay_within_limits: (
            _in_container(resources={"requests": {"memory": "1Gi"}, "limits": {"memory": "512Mi"}}),
        ),
        serving.volumes_are_of_one_kind: (
            _in_pod(volumes=[{"name": "tmp"}]),
            _in_pod(volumes=[{"name": "Tmp", "emptyDir": {}}]),
        ),
        serving.volumes_and_mounts_match: (_in_pod(volumes=[]), _mounted()),
        serving.mounts_are_at_free_paths: (
            _mounted({"name": "tmp", "mountPath": "/dev/"}),
            _mounted({"name": "tmp", "mountPath": "tmp"}),
            _mounted(TMP, TMP),
        ),
        serving.the_account_exists: (_in_pod(serviceAccountName="nobody"),),
        serving.tokens_can_only_be_left_out: (_in_pod(automountServiceAccountToken=True),),
        ours.scaling_annotations_are_known: (_scaled(minimum_scale="1"),),
        ours.scale_has_a_ceiling: (_scaled(max_scale="0"),),
        ours.visibility_is_cluster_local_or_absent: (
            lambda manifest: manifest["metadata"]["labels"].update({"networking.knative.dev/visibility": "private"}),
        ),
        ours.rollout_stands_on_the_service: (_templated("serving.knative.dev/rollout-duration", "60s"),),
        ours.the_first_byte_may_take_as_long_as_the_answer: (
            lambda manifest: _pod(manifest).pop("responseStartTimeoutSeconds"),
            _in_pod(responseStartTimeoutSeconds=601),
        ),
        ours.containers_are_restricted: (
            _in_container(securityContext={}),
            lambda manifest: _container(manifest)["securityContext"].update(runAsUser=0),
        ),
        ours.containers_declare_their_resources: (_in_container(resources={"requests": {"cpu": "1"}}),),
        ours.containers_are_probed: (lambda manifest: _container(manifest).pop("readinessProbe"),),
        ours.scratch_is_limited: (_in_pod(volumes=[{"name": "tmp", "emptyDir": {}}]),),
        ours.images_have_a_version: (_in_container(image="host:5000/light"), _in_container(image="light:latest")),
    },
    "Trigger": {
        eventing.trigger_fields_fit: (_in_spec(subscriber={"url": "http://sink/"}), _delivered(retryAfterMax="PT9S")),
        eventing.a_broker_is_named: (_in_spec(broker=""),),
        eventing.a_subscriber_is_reachable: (
            _in_spec(subscriber={}),
            _in_spec(subscriber={"uri": "/in"}),
            _in_spec(subscriber={"ref": {"kind": "Service"}}),
        ),
        eventing.filtered_attributes_are_attributes: (
            _in_spec(filter={"attributes": {"Bad-Name": "x"}}),
            _in_spec(filters=[{"not": {"any": [{"prefix": {"Bad": "x"}}]}}]),
        ),
        eventing.a_filter_has_one_dialect: (_in_spec(filters=[{"exact": {"type": "a"}, "cesql": "TRUE"}]),),
        eventing.expressions_are_cesql: (_in_spec(filters=[{"all": [{"cesql": "type = = 'x'"}]}]),),
        eventing.a_dependency_is_a_reference: (
            _noted("knative.dev/dependency", "not json"),
            _noted("knative.dev/dependency", '{"kind": "PingSource"}'),
        ),
        eventing.dead_letters_are_reachable: (_delivered(deadLetterSink={}),),
        eventing.retries_are_counted: (_delivered(retry=-1),),
        eventing.pauses_are_periods: (_delivered(backoffDelay="5s"), _delivered(timeout="PT")),
        eventing.backoff_policies_are_known: (_delivered(backoffPolicy="random"),),
    },
    "Broker": {
        eventing.broker_fields_fit: (_in_spec(configuration={}),),
        eventing.a_config_is_a_reference: (_in_spec(config={"apiVersion": "v1", "kind": "ConfigMap"}),),
        eventing.dead_letters_are_reachable: (_delivered(deadLetterSink={"uri": "/in"}),),
        eventing.retries_are_counted: (_delivered(retry=-1),),
        eventing.pauses_are_periods: (_delivered(timeout="1m"),),
        eventing.backoff_policies_are_known: (_delivered(backoffPolicy="none"),),
    },
    "PingSource": {
        eventing.ping_fields_fit: (_in_spec(cron="* * * * *"),),
        eventing.the_schedule_is_cron: (_in_spec(schedule="every minute"),),
        eventing.the_sink_is_reachable: (_in_spec(sink={}),),
        eventing.data_is_given_once: (_in_spec(data="{}", dataBase64="e30="),),
    },
}
CASES = [
    (kind, rule, change) for kind, rules in SPOILED.items() for rule, changes in rules.items() for change in changes
]


@pytest.mark.parametrize(("kind", "rule", "change"), CASES, ids=lambda value: getattr(value, "__name__", str(value)))
def test_a_rule_refuses_what_it_is_there_for(kind: str, rule: Rule, change: Change) -> None:
    sound = {"spec": {}, **_sound(kind)}
    assert list(rule(Resource(sound, ACCOUNTS))) == []
    spoiled = copy.deepcopy(sound)
    change(spoiled)
    assert list(rule(Resource(spoiled, ACCOUNTS)))


@pytest.mark.parametrize(("kind", "judged"), [(kind[1], judged) for kind, judged in lint.JUDGED.items()])
def test_every_rule_of_a_kind_is_shown_to_refuse(kind: str, judged: lint.Judged) -> None:
    assert set(SPOILED[kind]) == {judged.fields, *judged.admission, *judged.ours}


def test_a_kind_that_is_not_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n")
    assert lint.verdicts([tmp_path / "old.yaml"])[0].refusals


def test_the_program_names_what_it_refuses_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["lint", str(RECORDED / "serving" / "a06-timeout-601.yaml")])
    assert lint.main() == 1
    assert "REFUSED  a06-timeout-601.yaml#1\n         spec.template.spec.timeoutSeconds: 601" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["lint"])
    assert lint.main() == 0


@pytest.mark.parametrize("schedule", ["* * * * *", "*/30 * * * * *", "0 9-17 * * mon-fri", "@hourly", "@every 1h30m"])
def test_schedules_of_cron_are_schedules(schedule: str) -> None:
    assert spellings.is_schedule(schedule)


@pytest.mark.parametrize(
    "schedule", ["", "* * * *", "61 * * * *", "5-1 * * * *", "*/0 * * * *", "a * * * *", "@every x"]
)
def test_what_cron_does_not_know_is_no_schedule(schedule: str) -> None:
    assert not spellings.is_schedule(schedule)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("1m30s", 90.0),
        ("-2h", -7200.0),
        ("1.5s", 1.5),
        ("0", 0.0),
        ("5", None),
        ("1x", None),
        ("", None),
    ],
)
def test_durations_are_read_as_go_reads_them(text: str, seconds: float | None) -> None:
    assert spellings.seconds(text) == seconds


@pytest.mark.parametrize(
    ("text", "amount"), [("250m", 0.25), ("1Ki", 1024), ("1.5", 1.5), ("2e3", 2000), ("1 GB", None), ("", None)]
)
def test_quantities_are_read_as_kubernetes_reads_them(text: str, amount: float | None) -> None:
    value = spellings.quantity(text)
    assert value is None if amount is None else value is not None and float(value) == amount


@pytest.mark.parametrize(
    "expression",
    [
        "TRUE",
        "type LIKE 'com.%' AND EXISTS priority",
        "NOT (a = 1 OR b != 'x')",
        "LEFT(a, 2) IN ('x', 'y')",
        "a NOT IN (1)",
    ],
)
def test_cesql_is_known_by_its_syntax(expression: str) -> None:
    assert is_cesql(expression)


@pytest.mark.parametrize("expression", ["", "type = = 'x'", "a LIKE b", "EXISTS 'a'", "(a", "a b", "a NOT b", "a ; b"])
def test_what_cannot_be_read_is_not_cesql(expression: str) -> None:
    assert not is_cesql(expression)
