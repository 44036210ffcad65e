"""Describes the API as OpenAPI 3.1, from the table and what its handlers declare, without a web framework."""

from typing import Any

import msgspec

from shared.runtime.http.exchange import API_VERSION
from shared.runtime.http.openai import ErrorBody
from shared.runtime.http.openapi_routes import HEADERS, DescribedRoute, answer
from shared.runtime.http.openapi_schemas import Schemas
from shared.runtime.http.pages import Health, Readiness
from shared.runtime.http.problems import ProblemBody
from shared.table.table import Table

_INFO = {
    "title": "AegisRAG",
    "version": API_VERSION,
    "description": "Answers questions from a tenant's own documents, with checked citations.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def describe(table: Table) -> bytes:
    """Every route with its parameters, body, answers, errors and headers."""
    routes = [DescribedRoute(function, operation) for function, operation in table.routes()]
    kinds: list[Any] = [kind for route in routes for kind in route.kinds()]
    schemas = Schemas([ProblemBody, ErrorBody, Health, Readiness, *kinds])
    paths: dict[str, dict[str, Any]] = {
        "/health": {"get": _health("Tell whether the process runs", schemas.reference(Health))},
        "/health/ready": {"get": _health("Tell which stores answer", schemas.reference(Readiness), "503")},
    }
    for route in routes:
        paths.setdefault(route.operation.path, {})[route.operation.method.lower()] = route.render(schemas)
    summaries = {function.name: function.summary for function, _ in table.routes()}
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": _INFO,
            "servers": [{"url": "/"}],
            "security": [{"bearer": []}, {"apiKey": []}],
            "tags": [
                {"name": "health", "description": "Tells whether a process runs and its stores answer."},
                *({"name": name, "description": summary} for name, summary in summaries.items()),
            ],
            "paths": paths,
            "components": {
                "schemas": schemas.used_by(paths),
                "headers": HEADERS,
                "securitySchemes": _SECURITY_SCHEMES,
            },
        }
    )


def _health(summary: str, schema: dict[str, Any], *statuses: str) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    responses = {status: answer(status, "The answer.", content) for status in ("200", *statuses)}
    return {"summary": summary, "security": [], "tags": ["health"], "responses": responses}
