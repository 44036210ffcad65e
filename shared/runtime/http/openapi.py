"""The API as OpenAPI 3.1, from the table and the types of its handlers; no framework is needed to make it."""

import typing
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from shared.runtime.http.exchange import API_VERSION
from shared.runtime.http.openai import ErrorBody, speaks_openai, status_of
from shared.runtime.http.pages import Health, Readiness
from shared.runtime.http.problems import MEDIA_TYPE, ProblemBody
from shared.runtime.http.requests import ignores_unknown
from shared.table.table import Function, Operation, Table, members
from shared.types.errors import PROBLEMS, Problem
from shared.types.http import Content, EventStream, SpooledFile

_REF = "#/components/schemas/{name}"
_ALWAYS = ("rate-limited", "internal", "store-unavailable", "deadline")
_OF_BODIES = ("too-large", "unsupported-media-type", "idempotency-mismatch", "conflict")


def describe(table: Table) -> bytes:
    """Every route with its parameters, body, answers and errors."""
    routes = [_Described(function, operation) for function, operation in table.routes()]
    kinds: list[Any] = [kind for route in routes for kind in route.kinds()]
    schemas = _schemas([ProblemBody, ErrorBody, Health, Readiness, *kinds])
    paths: dict[str, dict[str, Any]] = {
        "/health": {"get": _own("Tells that the process lives.", "Health")},
        "/health/ready": {"get": _own("Tells which stores answer.", "Readiness", "503")},
    }
    for route in routes:
        paths.setdefault(route.operation.path, {})[route.operation.method.lower()] = route.operation_object(schemas)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "AegisRAG",
                "version": API_VERSION,
                "description": "Answers questions from a tenant's own documents, with checked citations.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "security": [{"bearer": []}, {"apiKey": []}],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                },
            },
        }
    )


class _Described:
    """One route."""

    def __init__(self, function: Function, operation: Operation) -> None:
        handler = function.handler(operation)
        hints = typing.get_type_hints(handler, include_extras=True)
        self.function = function
        self.operation = operation
        self.message: type[Struct] = next(iter(hints.values()))
        self.answers = [kind for kind in members(hints["return"]) if kind is not type(None)]
        self.answers.sort(key=lambda kind: (_status_of(kind), kind.__name__))
        self.may_be_empty = type(None) in members(hints["return"])
        self.summary = (typing.cast(str, typing.cast(Any, handler).__globals__["__doc__"])).partition("\n")[0]

    def kinds(self) -> list[Any]:
        return [self.message, *(kind for kind in self.answers if kind not in (Content, EventStream))]

    def operation_object(self, schemas: dict[str, Any]) -> dict[str, Any]:
        names = self.operation.path_parameters
        properties = schemas[self.message.__name__].get("properties", {})
        described: dict[str, Any] = {
            "operationId": f"{self.function.name}_{self.operation.verb}".removesuffix("_handler"),
            "tags": [self.function.name],
            "summary": self.summary,
            "parameters": [_parameter(name, "path", properties[name], True) for name in names],
            "responses": {**self._answers(), **self._errors(bool(names))},
        }
        rest = {name: schema for name, schema in properties.items() if name not in names}
        if self.operation.method in ("GET", "DELETE"):
            described["parameters"] += [_parameter(name, "query", schema, False) for name, schema in rest.items()]
        elif rest:
            described["requestBody"] = self._body(rest, schemas)
        if self.operation.role == "public":
            described["security"] = []
        else:
            described["x-aegis-role"] = self.operation.role
        return described

    def _body(self, properties: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
        required = [name for name in schemas[self.message.__name__].get("required", []) if name in properties]
        files = [field.encode_name for field in msgspec.structs.fields(self.message) if field.type is SpooledFile]
        shown = {
            name: {"type": "string", "contentMediaType": "application/octet-stream"} if name in files else schema
            for name, schema in properties.items()
        }
        others = ignores_unknown(self.message)
        schema = {"type": "object", "properties": shown, "required": required, "additionalProperties": others}
        media_type = "multipart/form-data" if files else "application/json"
        return {"required": bool(required), "content": {media_type: {"schema": schema}}}

    def _answers(self) -> dict[str, Any]:
        answers: dict[str, Any] = {"204": {"description": "Done."}} if self.may_be_empty else {}
        for kind in self.answers:
            content = _content_of(kind)
            described = answers.setdefault(str(_status_of(kind)), {"description": "The answer.", "content": {}})
            described["content"].update(content)
        return answers

    def _errors(self, has_id: bool) -> dict[str, Any]:
        slugs = {"invalid-request", *_ALWAYS}
        if self.operation.role != "public":
            slugs |= {"unauthenticated", "forbidden"}
        if has_id:
            slugs |= {"not-found", "conflict"}
        if self.operation.method not in ("GET", "DELETE"):
            slugs |= set(_OF_BODIES)
        if any(field.type is SpooledFile for field in msgspec.structs.fields(self.message)):
            slugs |= {"unsupported-format", "empty-file", "disk-full"}
        problems = [problem for problem in PROBLEMS if problem.slug in slugs]
        if not speaks_openai(self.operation.path):
            return _described(problems, lambda problem: problem.status, MEDIA_TYPE, ProblemBody)
        return _described(problems, status_of, "application/json", ErrorBody)


def _described(
    problems: list[type[Problem]], status: Callable[[type[Problem]], int], media_type: str, body: type[Struct]
) -> dict[str, Any]:
    content = {media_type: {"schema": {"$ref": _REF.format(name=body.__name__)}}}
    found: dict[str, Any] = {}
    for problem in problems:
        described = found.setdefault(str(status(problem)), {"description": "", "content": content})
        described["description"] = f"{described['description']} {problem.title}.".strip()
    return found


def _content_of(kind: Any) -> dict[str, Any]:
    if kind is EventStream:
        return {"text/event-stream": {"schema": {"type": "string"}}}
    if kind is Content:
        return {"*/*": {"schema": {"type": "string"}}}
    return {"application/json": {"schema": {"$ref": _REF.format(name=kind.__name__)}}}


def _status_of(kind: Any) -> int:
    return typing.cast(int, getattr(kind, "http_status", 200))


def _parameter(name: str, place: str, schema: Any, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _own(summary: str, answer: str, *statuses: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": _REF.format(name=answer)}}}
    responses = {status: {"description": "The answer.", "content": content} for status in ("200", *statuses)}
    return {"summary": summary, "security": [], "tags": ["health"], "responses": responses}


def _schemas(kinds: list[Any]) -> dict[str, Any]:
    _, found = msgspec.json.schema_components(kinds, ref_template=_REF, schema_hook=_shown_as)
    return found


def _shown_as(kind: type[Any]) -> dict[str, Any]:
    return {"type": "string"}  # a path on our disk, which no client sees
