"""Every alert fires where it should and only there, also when pods appear with their first event and vanish."""

import re
from pathlib import Path

import msgspec
import pytest

from shared.telemetry import metrics
from tests.manifests.tools import ROOT, run

RULES = ROOT / "infra/monitoring/rules.yaml"
_REQUESTS = 'request_duration_seconds_count{{pod="{pod}", function="ask", route="/ask", status="{status}"}}'
_DELIVERIES = 'ingestion_time_seconds_count{{pod="a", function="{function}", status="{status}"}}'
_SWEEPS = {_DELIVERIES.format(function="sweep", status=204): "0+1x400"}

# A sample every 15 s: `0+1x4` grows by 1, `_x4` is no sample, `stale` is a pod that has gone.
Series = dict[str, str]


def _requests(status: int, values: str, pod: str = "a") -> Series:
    return {_REQUESTS.format(pod=pod, status=status): values}


def _buckets(route: str, up_to_1_s: str, all_of_them: str) -> Series:
    name = f'request_duration_seconds_bucket{{pod="a", function="ask", route="{route}", status="200", le="%s"}}'
    return {name % "1.0": up_to_1_s, name % "2.5": all_of_them, name % "+Inf": all_of_them}


def _short_pods(status: int, count: int) -> Series:
    """A pod for each minute, whose counter has its only value from its first sample on."""
    starts = ["", *(f"_x{4 * minute} " for minute in range(1, 10))]
    pods = (_requests(status, f"{start}{count}x3 stale", f"p{number}") for number, start in enumerate(starts))
    return {name: values for pod in pods for name, values in pod.items()}


CASES: list[tuple[str, str, Series, bool]] = [
    ("AegisErrorRate", "8m", _requests(500, "0+1x60") | _requests(200, "0+9x60"), True),
    ("AegisErrorRate", "8m", _requests(500, "0+1x60") | _requests(200, "0+99x60"), False),
    ("AegisErrorRate", "8m", _requests(404, "0+9x60") | _requests(200, "0+9x60"), False),
    ("AegisErrorRate", "2m", _requests(500, "0+9x60"), False),
    ("AegisErrorRate", "8m", _short_pods(500, 2) | _short_pods(200, 10), True),
    ("AegisErrorRate", "8m", _short_pods(500, 2) | _short_pods(200, 200), False),
    ("AegisSlow", "12m", _buckets("/ask", "0+8x60", "0+10x60"), True),
    ("AegisSlow", "12m", _buckets("/ask", "0+10x60", "0+10x60"), False),
    ("AegisSlow", "12m", _buckets("/documents/{document_id}/events", "0x60", "0+10x60"), False),
    ("AegisParserRestarted", "8m", {'aegis_pool_recycled{store="parsers", reason="memory"}': "0x20 1x60"}, True),
    ("AegisParserRestarted", "35m", {'aegis_pool_recycled{store="parsers", reason="memory"}': "1x200"}, False),
    ("AegisPoolRestarted", "5m", {'process_start_time_seconds{service="parse-gpu", pod="p"}': "100x10 200x20"}, True),
    ("AegisPoolRestarted", "5m", {'process_start_time_seconds{service="parse-gpu", pod="p"}': "_x10 200x20"}, False),
    ("AegisPoolRestarted", "5m", {'process_start_time_seconds{service="ask", pod="p"}': "100x10 200x20"}, False),
    ("AegisDeadLetters", "4m", {'dead_letters_total{function="parse", pod="p"}': "_x4 1x2 stale"}, True),
    ("AegisDeadLetters", "30m", {'dead_letters_total{function="parse", pod="p"}': "_x4 1x2 stale"}, False),
    ("AegisDeadLetters", "40m", {'dead_letters_total{function="parse", pod="p"}': "3x200"}, False),
    ("AegisDeadLetters", "40m", {'dead_letters_total{function="parse", pod="p"}': "3x150 4x50"}, True),
    ("AegisStagesFail", "12m", {_DELIVERIES.format(function="embed", status=503): "0+1x60"}, True),
    (
        "AegisStagesFail",
        "12m",
        {
            _DELIVERIES.format(function="embed", status=503): "0+1x60",
            _DELIVERIES.format(function="embed", status=200): "0+9x60",
        },
        False,
    ),
    ("AegisSweepStopped", "12m", _requests(200, "0+9x60"), True),
    ("AegisSweepStopped", "12m", {_DELIVERIES.format(function="sweep", status=500): "0+1x60"}, True),
    ("AegisSweepStopped", "12m", _SWEEPS, False),
    ("AegisPoolWaits", "8m", {'aegis_pool_oldest_wait_seconds{pod="p"}': "700x60"}, True),
    ("AegisPoolWaits", "8m", {'aegis_pool_oldest_wait_seconds{pod="p"}': "100x60"}, False),
    ("AegisColdStart", "4m", {'cold_start_seconds{service="ask", pod="p"}': "12x2 stale"}, True),
    ("AegisColdStart", "4m", {'cold_start_seconds{service="ask", pod="p"}': "2x60"}, False),
    ("AegisColdStart", "4m", {'cold_start_seconds{service="parse-gpu", pod="p"}': "60x60"}, False),
    ("AegisModelSwitchedOff", "1m", {'aegis_model_switched_off{model="large", pod="p"}': "1x60"}, True),
    ("AegisModelSwitchedOff", "4m", {'aegis_model_switched_off{model="large", pod="p"}': "1x4 0x60"}, False),
]


def test_alerts_fire_where_they_should_and_only_there(tmp_path: Path) -> None:
    tests = [
        {
            "interval": "15s",
            "name": f"{number}: {alert} at {time}, fires: {fires}",
            "input_series": [{"series": name, "values": values} for name, values in series.items()],
            "promql_expr_test": [
                {
                    "expr": f'sum(ALERTS{{alertname="{alert}", alertstate="firing"}}) > 0',
                    "eval_time": time,
                    "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
                }
            ],
        }
        for number, (alert, time, series, fires) in enumerate(CASES)
    ]
    file = tmp_path / "tests.yaml"
    text = {"rule_files": [str(RULES)], "evaluation_interval": "15s", "tests": tests}
    file.write_text(msgspec.yaml.encode(text).decode())
    done = run("promtool", "test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_prometheus_rules() -> None:
    done = run("promtool", "check", "rules", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


def _rules(key: str) -> dict[str, str]:
    groups = msgspec.yaml.decode(RULES.read_text())["groups"]
    return {rule[key]: rule["expr"] for group in groups for rule in group["rules"] if key in rule}


@pytest.mark.parametrize("alert", _rules("alert"))
def test_every_alert_is_shown_to_fire_and_to_be_silent(alert: str) -> None:
    assert {fires for name, _, _, fires in CASES if name == alert} == {True, False}


def _exposed() -> set[str]:
    names = set(re.findall(r"^# TYPE (\w+)", metrics.exposition().decode(), re.MULTILINE))
    return names | {f"{name}_{part}" for name in names for part in ("count", "bucket", "sum")}


def test_rules_read_metrics_that_the_suite_exposes() -> None:
    text = " ".join([*_rules("record").values(), *_rules("alert").values()])
    read = set(re.findall(r"\b([a-z]+(?:_[a-z0-9]+)+)(?=[\[{)])", text))
    assert len(read) > 8 and read <= _exposed(), read - _exposed()


def test_the_dashboards_are_those_of_the_code() -> None:
    pytest.importorskip("grafana_foundation_sdk", reason="grafana-foundation-sdk is missing: make check-manifests")
    from knative import dashboards

    assert dashboards.stale() == [], "run `python -m knative.dashboards` and commit what it writes"


def _queries() -> list[tuple[str, str]]:
    files = [
        (path.name, msgspec.json.decode(path.read_bytes())) for path in (RULES.parent / "dashboards").glob("*.json")
    ]
    targets = [(name, panel, target) for name, one in files for panel in one["panels"] for target in panel["targets"]]
    return [(f"{name} {panel['title']}", target["expr"]) for name, panel, target in targets]


def test_every_query_of_a_dashboard_is_promql_over_metrics_that_there_are() -> None:
    parser = pytest.importorskip("promql_parser", reason="promql-parser is missing: make check-manifests")
    known = _exposed() | _rules("record").keys()
    queries = _queries()
    assert len(queries) > 20
    for where, query in queries:
        parser.parse(query)
        without_strings = re.sub(r'"[^"]*"', "", query)
        read = set(re.findall(r"\b(?:aegis:[a-z0-9_]+:[a-z0-9]+|[a-z]+_[a-z0-9_]+)\b", without_strings))
        assert read - {"histogram_quantile"} <= known and read, where
