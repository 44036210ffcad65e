"""Rules of Knative Eventing's webhook for Triggers, Brokers and PingSources."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from knative.rules import spellings
from knative.rules.cesql import is_cesql
from knative.rules.fields import misfits
from knative.rules.resource import Resource, Rule
from knative.rules.shapes import BROKER, PING_SOURCE, TRIGGER

_ATTRIBUTE = re.compile(r"[a-z][a-z0-9]*")
_DIALECTS_OF_ATTRIBUTES = ("exact", "prefix", "suffix")


def trigger_fields_fit(trigger: Resource) -> Iterator[str]:
    return misfits(trigger.manifest, TRIGGER)


def broker_fields_fit(broker: Resource) -> Iterator[str]:
    return misfits(broker.manifest, BROKER)


def ping_fields_fit(source: Resource) -> Iterator[str]:
    return misfits(source.manifest, PING_SOURCE)


def a_broker_is_named(trigger: Resource) -> Iterator[str]:
    if not trigger.spec.get("broker"):
        yield "spec.broker: missing"


def a_subscriber_is_reachable(trigger: Resource) -> Iterator[str]:
    return _unreachable(trigger.spec.get("subscriber"), "spec.subscriber")


def the_sink_is_reachable(source: Resource) -> Iterator[str]:
    return _unreachable(source.spec.get("sink"), "spec.sink")


def dead_letters_are_reachable(resource: Resource) -> Iterator[str]:
    delivery = resource.spec.get("delivery") or {}
    if "deadLetterSink" in delivery:
        yield from _unreachable(delivery["deadLetterSink"], "spec.delivery.deadLetterSink")


def retries_are_counted(resource: Resource) -> Iterator[str]:
    retry = (resource.spec.get("delivery") or {}).get("retry", 0)
    if retry < 0:
        yield f"spec.delivery.retry: {retry} is below 0"


def pauses_are_periods(resource: Resource) -> Iterator[str]:
    delivery = resource.spec.get("delivery") or {}
    for key in ("backoffDelay", "timeout"):
        if key in delivery and not spellings.is_iso_period(delivery[key]):
            yield f"spec.delivery.{key}: {delivery[key]!r} is not spelled as ISO 8601 does (PT5S)"


def backoff_policies_are_known(resource: Resource) -> Iterator[str]:
    policy = (resource.spec.get("delivery") or {}).get("backoffPolicy", "linear")
    if policy not in ("linear", "exponential"):
        yield f"spec.delivery.backoffPolicy: {policy!r} is neither linear nor exponential"


def filtered_attributes_are_attributes(trigger: Resource) -> Iterator[str]:
    for path, names in _filtered(trigger):
        for name in names:
            if not _ATTRIBUTE.fullmatch(name):
                yield f"{path}[{name}]: an attribute is lower-case letters and digits and begins with a letter"


def a_filter_has_one_dialect(trigger: Resource) -> Iterator[str]:
    for path, one in _filters(trigger):
        if len(one) > 1:
            yield f"{path}: {' and '.join(one)} in one filter"


def expressions_are_cesql(trigger: Resource) -> Iterator[str]:
    for path, one in _filters(trigger):
        if "cesql" in one and not is_cesql(one["cesql"]):
            yield f"{path}.cesql: {one['cesql']!r} is not CloudEvents SQL"


def a_dependency_is_a_reference(trigger: Resource) -> Iterator[str]:
    noted = trigger.annotations.get("knative.dev/dependency")
    if noted is None:
        return
    try:
        reference = msgspec.json.decode(noted, type=dict[str, Any])
    except msgspec.DecodeError:
        reference = {}
    if not all(reference.get(key) for key in ("apiVersion", "kind", "name")):
        yield f"metadata.annotations: knative.dev/dependency {noted!r} is not a reference to an object in JSON"


def a_config_is_a_reference(broker: Resource) -> Iterator[str]:
    config = broker.spec.get("config")
    for key in ("apiVersion", "kind", "name"):
        if config is not None and not config.get(key):
            yield f"spec.config.{key}: missing"


def the_schedule_is_cron(source: Resource) -> Iterator[str]:
    schedule = source.spec.get("schedule", "")
    if not spellings.is_schedule(schedule):
        yield f"spec.schedule: {schedule!r} is not cron's five fields, or six with seconds first"


def data_is_given_once(source: Resource) -> Iterator[str]:
    if source.spec.get("data") and source.spec.get("dataBase64"):
        yield "spec: data and dataBase64 together"


_DELIVERY: tuple[Rule, ...] = (
    dead_letters_are_reachable,
    retries_are_counted,
    pauses_are_periods,
    backoff_policies_are_known,
)
TRIGGER_RULES: tuple[Rule, ...] = (
    a_broker_is_named,
    a_subscriber_is_reachable,
    filtered_attributes_are_attributes,
    a_filter_has_one_dialect,
    expressions_are_cesql,
    a_dependency_is_a_reference,
    *_DELIVERY,
)
BROKER_RULES: tuple[Rule, ...] = (a_config_is_a_reference, *_DELIVERY)
PING_SOURCE_RULES: tuple[Rule, ...] = (the_schedule_is_cron, the_sink_is_reachable, data_is_given_once)


def _unreachable(destination: dict[str, Any] | None, path: str) -> Iterator[str]:
    """Checks a destination: a reference, an absolute address, or a reference and a path under it."""
    reference, uri = (destination or {}).get("ref"), (destination or {}).get("uri")
    if not reference and not uri:
        yield f"{path}: neither ref nor uri"
    elif reference:
        for key in ("apiVersion", "kind", "name"):
            if not reference.get(key):
                yield f"{path}.ref.{key}: missing"
    elif not urlsplit(str(uri)).netloc:
        yield f"{path}.uri: {uri!r} is relative, and there is no ref that it could be relative to"


def _filters(trigger: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, one in enumerate(trigger.spec.get("filters") or []):
        yield from _nested(f"spec.filters[{number}]", one)


def _nested(path: str, one: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, one
    for dialect in ("all", "any"):
        for number, inner in enumerate(one.get(dialect) or []):
            yield from _nested(f"{path}.{dialect}[{number}]", inner)
    if one.get("not"):
        yield from _nested(f"{path}.not", one["not"])


def _filtered(trigger: Resource) -> Iterator[tuple[str, dict[str, str]]]:
    yield "spec.filter.attributes", (trigger.spec.get("filter") or {}).get("attributes") or {}
    for path, one in _filters(trigger):
        for dialect in _DIALECTS_OF_ATTRIBUTES:
            yield f"{path}.{dialect}", one.get(dialect) or {}
