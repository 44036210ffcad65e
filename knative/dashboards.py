"""Builds the dashboards of Grafana by its SDK: `python -m knative.dashboards` writes them into `infra/monitoring`.

What pods that live for a minute report is read from the recorded rules; `rate` would not see it.
"""

import sys
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DataSourceRef
from msgspec import Struct

from knative import render

FOLDER = Path(__file__).parents[1] / "infra/monitoring/dashboards"
_SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
_WIDTH, _HEIGHT = 12, 8


class Panel(Struct, frozen=True):
    """A graph over time: its title, the unit of Grafana, and a query with the legend of its lines."""

    title: str
    unit: str
    query: str
    legend: str


_PER_MINUTE = "cpm"
DASHBOARDS: dict[str, tuple[str, tuple[Panel, ...]]] = {
    "api": (
        "AegisRAG: API",
        (
            Panel("Requests", _PER_MINUTE, "sum by (function) (aegis:requests:grown2m) / 2", "{{function}}"),
            Panel("95th percentile", "s", "aegis:request_seconds:p95", "{{function}}"),
            Panel(
                "Median", "s", "histogram_quantile(0.5, sum by (le) (aegis:request_buckets:grown5m))", "all functions"
            ),
            Panel(
                "Share of errors of the server",
                "percentunit",
                'sum(aegis:requests:grown2m{status=~"5.."}) / sum(aegis:requests:grown2m)',
                "5xx",
            ),
            Panel(
                "Refused requests",
                _PER_MINUTE,
                'sum by (status) (aegis:requests:grown2m{status=~"4.."}) / 2',
                "{{status}}",
            ),
            Panel("Cold starts", "s", "max by (service) (cold_start_seconds)", "{{service}}"),
        ),
    ),
    "ingestion": (
        "AegisRAG: ingestion",
        (
            Panel("Deliveries", _PER_MINUTE, "sum by (function) (aegis:deliveries:grown5m) / 5", "{{function}}"),
            Panel(
                "Share that succeeds",
                "percentunit",
                'sum by (function) (aegis:deliveries:grown5m{status=~"2.."}) / '
                "sum by (function) (aegis:deliveries:grown5m)",
                "{{function}}",
            ),
            Panel("Mean time of a delivery", "s", "aegis:delivery_seconds:mean5m", "{{function}}"),
            Panel("Dead letters in 10 minutes", "short", "aegis:dead_letters:grown10m", "{{function}}"),
            Panel("Slices that wait for the pool", "short", "sum(aegis_pool_queue_slices)", "slices"),
            Panel("Pages that wait for the pool", "short", "sum(aegis_pool_queue_pages)", "pages"),
            Panel("Longest wait for the pool", "s", "max(aegis_pool_oldest_wait_seconds)", "oldest slice"),
            Panel("Replaced parsers in 15 minutes", "short", "aegis:recycled:grown15m", "{{reason}}"),
        ),
    ),
    "stores": (
        "AegisRAG: stores and pools",
        (
            Panel("Members at work", "short", "sum by (store) (aegis_pool_in_use)", "{{store}}"),
            Panel("Members alive", "short", "sum by (store) (aegis_pool_size)", "{{store}}"),
            Panel(
                "Share at work",
                "percentunit",
                "sum by (store) (aegis_pool_in_use) / sum by (store) (aegis_pool_size)",
                "{{store}}",
            ),
            Panel(
                "Requests that a store or a limit refused",
                _PER_MINUTE,
                'sum by (function, status) (aegis:requests:grown2m{status=~"503|507"}) / 2',
                "{{function}} {{status}}",
            ),
            Panel(
                "Memory of the functions", "bytes", "sum by (service) (process_resident_memory_bytes)", "{{service}}"
            ),
            Panel("Open files of the functions", "short", "sum by (service) (process_open_fds)", "{{service}}"),
        ),
    ),
    "money": (
        "AegisRAG: model calls",
        (
            Panel("Calls by place", _PER_MINUTE, "sum by (location) (aegis:model_calls:grown5m) / 5", "{{location}}"),
            Panel("Calls by model", _PER_MINUTE, "sum by (model) (aegis:model_calls:grown5m) / 5", "{{model}}"),
            Panel("Calls by outcome", _PER_MINUTE, "sum by (outcome) (aegis:model_calls:grown5m) / 5", "{{outcome}}"),
            Panel("Models switched off", "short", "max by (model) (aegis_model_switched_off)", "{{model}}"),
            Panel(
                "Refused for a budget or a limit",
                _PER_MINUTE,
                'sum by (function, status) (aegis:requests:grown2m{status=~"402|429"}) / 2',
                "{{function}} {{status}}",
            ),
        ),
    ),
}


def rendered() -> dict[str, str]:
    """Returns the JSON of each dashboard by the name of its file."""
    return {f"{name}.json": _dashboard(name, title, panels) for name, (title, panels) in DASHBOARDS.items()}


def _dashboard(name: str, title: str, panels: tuple[Panel, ...]) -> str:
    source = dashboard.DatasourceVariable("source").type("prometheus").label("Prometheus")
    built = dashboard.Dashboard(title).uid(f"aegisrag-{name}").tags(["aegisrag"]).refresh("30s").editable()
    built = built.time("now-6h", "now").with_variable(source)
    for number, panel in enumerate(panels, 1):
        built = built.with_panel(_panel(panel).id(number))
    return str(JSONEncoder(sort_keys=True, indent=2).encode(built.build())) + "\n"


def _panel(panel: Panel) -> timeseries.Panel:
    query = prometheus.Dataquery().ref_id("A").expr(panel.query).legend_format(panel.legend)
    graph = timeseries.Panel().title(panel.title).datasource(_SOURCE).unit(panel.unit).min(0)
    return graph.span(_WIDTH).height(_HEIGHT).with_target(query)


def stale() -> list[str]:
    return render.stale(rendered(), FOLDER, "*.json")


def main() -> int:
    render.write(rendered(), FOLDER, "*.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
