"""Renders what in the Helm chart comes from the table: the functions, their policies, and the schema of the values."""

from pathlib import Path

import msgspec

from knative import network, render
from knative.network import Manifest
from knative.values import schema
from shared.table.table import Function, Table

CHART = Path(__file__).parents[1] / "infra/aegis-rag-helm"
FUNCTIONS = "files/functions.yaml"
_HEALTH_FUNCTION = "front"


def rendered(table: Table) -> dict[str, str]:
    """Returns the content of each rendered file of the chart by its path."""
    names = [network.service_name(function) for function in table.functions]
    files = {
        "functions": {network.service_name(function): _function(function) for function in table.functions},
        "policies": network.policies(table),
    }
    text = msgspec.json.format(msgspec.json.encode(schema(names)), indent=2).decode()
    return {
        FUNCTIONS: render.NOTE + msgspec.yaml.encode(files).decode(),
        "values.schema.json": text + "\n",
        "Chart.yaml": _chart(),
    }


def _function(function: Function) -> Manifest:
    docling = function.docling
    return {
        "image": function.image,
        "isPool": "pool" in function.needs,
        "needsGraph": "graph" in function.required,
        "timeout": function.timeout_s,
        "docling": {"image": docling.image, "memory": docling.memory, "cards": docling.cards} if docling else {},
        "paths": _paths(function),
        "manifests": render.manifests(function),
    }


def _paths(function: Function) -> list[str]:
    """Returns the prefixes that a gateway matches: routes up to their first parameter, without what another covers."""
    routes = [operation for operation in function.operations if operation.is_route]
    prefixes = sorted({operation.path.partition("/{")[0] for operation in routes})
    outer = [one for one in prefixes if not any(one != other and one.startswith(f"{other}/") for other in prefixes)]
    return [*outer, "/health"] if function.name == _HEALTH_FUNCTION else outer


def _chart() -> str:
    version = render.version()
    chart = {
        "apiVersion": "v2",
        "name": "aegis-rag",
        "description": "Question answering over a tenant's own documents, as a suite of functions on Knative.",
        "type": "application",
        "version": version,
        "appVersion": version,
        "kubeVersion": ">=1.34.0-0",
        "keywords": ["rag", "knative", "search", "documents"],
        "annotations": {"artifacthub.io/category": "ai-machine-learning", "artifacthub.io/license": "Apache-2.0"},
    }
    return render.NOTE + msgspec.yaml.encode(chart).decode()
