"""Metrics that nobody has to fetch: lines on stdout that CloudWatch reads (its embedded metric format)."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

_NAMESPACE = "aegis"


def measure_delivery(function: str, status: int, seconds: float) -> None:
    """The same measure as `ingestion_time_seconds` of the other worlds."""
    about = {"function": function, "status": str(status)}
    with single_metric(
        name="ingestion_time_seconds",
        unit=MetricUnit.Seconds,
        value=seconds,
        namespace=_NAMESPACE,
        default_dimensions=about,
    ):
        pass
