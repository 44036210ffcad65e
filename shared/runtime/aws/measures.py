"""Writes metrics to stdout in CloudWatch's embedded metric format."""

from aws_lambda_powertools.metrics import MetricUnit, single_metric

_NAMESPACE = "aegis"


def measure_delivery(function: str, status: int, seconds: float) -> None:
    """Writes the metric that Prometheus scrapes elsewhere as `ingestion_time_seconds`."""
    about = {"function": function, "status": str(status)}
    with single_metric(
        name="ingestion_time_seconds",
        unit=MetricUnit.Seconds,
        value=seconds,
        namespace=_NAMESPACE,
        default_dimensions=about,
    ):
        pass
