"""Checks manifests against the rules of Knative's admission webhooks and our own rules.

`python -m knative.lint [PATH…]` reads files and folders (by default what `kubectl apply -k knative/` sends), prints a
verdict for each document and exits 1 when one is refused. The rules were held against recorded verdicts of the real
webhooks; what the cluster alone can know (quotas, other webhooks, feature flags that are on) is not judged.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from knative.rules import eventing, ours, serving
from knative.rules.resource import Resource, Rule


class Judged(Struct, frozen=True):
    """The rules of a kind. `fields` run first; a manifest that fails them is judged no further."""

    fields: Rule
    admission: tuple[Rule, ...]
    ours: tuple[Rule, ...] = ()


JUDGED: dict[tuple[str, str], Judged] = {
    ("serving.knative.dev/v1", "Service"): Judged(serving.fields_fit, serving.RULES, ours.RULES),
    ("eventing.knative.dev/v1", "Trigger"): Judged(eventing.trigger_fields_fit, eventing.TRIGGER_RULES),
    ("eventing.knative.dev/v1", "Broker"): Judged(eventing.broker_fields_fit, eventing.BROKER_RULES),
    ("sources.knative.dev/v1", "PingSource"): Judged(eventing.ping_fields_fit, eventing.PING_SOURCE_RULES),
}
_NOT_JUDGED = frozenset(
    {
        ("v1", "ConfigMap"),
        ("v1", "Namespace"),
        ("v1", "ServiceAccount"),
        ("eventing.knative.dev/v1beta3", "EventType"),
        ("flows.knative.dev/v1", "Sequence"),
        ("kustomize.config.k8s.io/v1beta1", "Kustomization"),
        ("messaging.knative.dev/v1", "Channel"),
        ("messaging.knative.dev/v1", "Subscription"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("policy/v1", "PodDisruptionBudget"),
        ("serving.knative.dev/v1beta1", "DomainMapping"),
        ("sinks.knative.dev/v1alpha1", "JobSink"),
        ("sources.knative.dev/v1", "SinkBinding"),
    }
)


class Verdict(Struct, frozen=True):
    """`where` is file#document, counted from 1; `refusals` are admission's, `demands` our own."""

    where: str
    refusals: tuple[str, ...] = ()
    demands: tuple[str, ...] = ()


def verdicts(files: Sequence[Path]) -> list[Verdict]:
    """Returns a verdict for each document, in order. A service account exists when one of the files defines it."""
    read = [(f"{file.name}#{number}", manifest) for file in files for number, manifest in documents(file)]
    accounts = {"default"} | {
        str(manifest["metadata"]["name"]) for _, manifest in read if manifest.get("kind") == "ServiceAccount"
    }
    return [_verdict(where, Resource(manifest, frozenset(accounts))) for where, manifest in read]


def documents(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    texts = re.split(r"^---\s*$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = [msgspec.yaml.decode(text) for text in texts if text.strip()]
    return enumerate((manifest for manifest in found if manifest is not None), 1)


def _verdict(where: str, resource: Resource) -> Verdict:
    kind = (str(resource.manifest.get("apiVersion")), str(resource.manifest.get("kind")))
    if kind in _NOT_JUDGED:
        return Verdict(where)
    if kind not in JUDGED:
        return Verdict(where, (f"kind: {' '.join(kind)} is none that is known here",))
    judged = JUDGED[kind]
    refusals = tuple(judged.fields(resource)) or _messages(judged.admission, resource)
    return Verdict(where, refusals, () if refusals else _messages(judged.ours, resource))


def _messages(rules: tuple[Rule, ...], resource: Resource) -> tuple[str, ...]:
    return tuple(sentence for rule in rules for sentence in rule(resource))


def _files(paths: Sequence[Path]) -> list[Path]:
    return [file for path in paths for file in (sorted(path.rglob("*.yaml")) if path.is_dir() else [path])]


def main() -> int:
    own = Path(__file__).parent
    judged = verdicts(_files([Path(argument) for argument in sys.argv[1:]] or [own / "base", own / "services"]))
    for verdict in judged:
        faults = verdict.refusals + verdict.demands
        print(f"{'REFUSED' if faults else 'ok     '}  {verdict.where}")
        for sentence in faults:
            print(f"         {sentence}")
    refused = sum(bool(verdict.refusals or verdict.demands) for verdict in judged)
    print(f"{len(judged) - refused} accepted, {refused} refused")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
