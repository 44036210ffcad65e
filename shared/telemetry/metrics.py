"""Metrics by prometheus-client, without a tenant's label."""

from collections.abc import Iterable, Mapping

from prometheus_client import Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_REQUESTS = Histogram(
    "request_duration_seconds",
    "Time from a request's first byte to its answer's last.",
    ("function", "method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
_STAGES = Histogram(
    "ingestion_time_seconds",
    "Time that one delivery of an event took, by how it ended.",
    ("function", "status"),
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600),
)
_DEAD_LETTERS = Counter("dead_letters_total", "Events that no attempt could handle.", ("function",))
_MODEL_CALLS = Histogram(
    "model_call_duration_seconds",
    "Time from a call of a language model to its last piece, by how it ended.",
    ("location", "model", "outcome"),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
_STARTED = Gauge("cold_start_seconds", "Time from the process' start to its first readiness.")

_POOL_SIZE = Gauge("aegis_pool_size", "Members of a pool that are alive.", ("store",))
_POOL_IN_USE = Gauge("aegis_pool_in_use", "Members of a pool that are at work.", ("store",))
_RECYCLED = Gauge("aegis_pool_recycled", "Workers that were replaced since the start, by why.", ("store", "reason"))
_SLICES = Gauge("aegis_pool_queue_slices", "Slices of documents that wait for the warm pool.")
_PAGES = Gauge("aegis_pool_queue_pages", "Pages of those slices, as far as they are known.")
_MODELS_OFF = Gauge("aegis_model_switched_off", "1 for a model that costs money and is switched off.", ("model",))
_OLDEST = Gauge("aegis_pool_oldest_wait_seconds", "How long the slice has waited that waits longest.")


def observe_request(function: str, method: str, route: str, status: int, seconds: float) -> None:
    _REQUESTS.labels(function, method, route, str(status)).observe(seconds)


def observe_delivery(function: str, status: int, seconds: float) -> None:
    _STAGES.labels(function, str(status)).observe(seconds)


def count_dead_letter(function: str) -> None:
    _DEAD_LETTERS.labels(function).inc()


def show_pool(store: str, in_use: int, size: int, recycled: Mapping[str, int]) -> None:
    _POOL_IN_USE.labels(store).set(in_use)
    _POOL_SIZE.labels(store).set(size)
    for reason, count in recycled.items():
        _RECYCLED.labels(store, reason).set(count)


def show_slices(slices: int, pages: int, oldest_wait_s: float) -> None:
    _SLICES.set(slices)
    _PAGES.set(pages)
    _OLDEST.set(oldest_wait_s)


def count_model_call(location: str, model: str, outcome: str, seconds: float) -> None:
    _MODEL_CALLS.labels(location, model, outcome).observe(seconds)


def show_models_off(models: Iterable[str]) -> None:
    """All that are off now."""
    _MODELS_OFF.clear()
    for model in models:
        _MODELS_OFF.labels(model).set(1)


def started(seconds: float) -> None:
    _STARTED.set(seconds)


def exposition() -> bytes:
    """All of the process' metrics in Prometheus' text form."""
    return generate_latest()
