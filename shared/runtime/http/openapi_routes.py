"""Describes one route of the table as an OpenAPI operation."""

import inspect
from typing import Any

import msgspec
from msgspec import Struct

from events.envelope import DATA_BASE64, CloudEvent
from shared.runtime.http.exchange import REPLAYED_STATUSES
from shared.runtime.http.openai import ErrorBody, is_openai_path, status_of
from shared.runtime.http.openapi_schemas import Schemas
from shared.runtime.http.problems import MEDIA_TYPE, ProblemBody
from shared.runtime.http.requests import ignores_unknown
from shared.runtime.wiring.injection import signature
from shared.table.table import Function, Operation, members
from shared.types.errors import (
    Conflict,
    Deadline,
    DiskFull,
    Forbidden,
    IdempotencyMismatch,
    Internal,
    InvalidRequest,
    Problem,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from shared.types.http import Content, EmptyAnswer, EventStream, Paged, RawRequest, SpooledBody, SpooledFile

_EVERY_ROUTE = (InvalidRequest, RateLimited, Internal, Unavailable, Deadline)
_WITH_CREDENTIAL = (Unauthenticated, Forbidden)
_WITH_BODY = (TooLarge, UnsupportedMediaType, DiskFull)
_REPEATABLE = (Conflict, IdempotencyMismatch)
_BODYLESS = frozenset({"GET", "DELETE"})
_WITHOUT_SCHEMA = (EmptyAnswer, Content, EventStream, type(None))
_UNDECODED = (RawRequest, SpooledBody)
_STRUCTURED = "application/cloudevents+json"
_EVERY_ANSWER = (
    "X-Request-ID",
    "Aegis-Version",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)


def _header(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "schema": schema}


HEADERS = {
    "X-Request-ID": _header("The client's id of the request where it sent a valid one, else ours.", {"type": "string"}),
    "Aegis-Version": _header("The version of the API.", {"type": "string"}),
    "X-RateLimit-Limit": _header("Requests in the window, or `unlimited`, and then alone.", {"type": "string"}),
    "X-RateLimit-Remaining": _header("Requests left in the window.", {"type": "integer", "minimum": 0}),
    "X-RateLimit-Reset": _header("When the window ends, in Unix seconds.", {"type": "integer"}),
    "X-Budget-Remaining": _header(
        "The smallest remaining budget of the caller in USD, with 6 decimals, or `unlimited`.", {"type": "string"}
    ),
    "Idempotent-Replayed": _header("The stored answer of the first call with this key.", {"enum": ["true"]}),
    "Retry-After": _header("Seconds to wait before the next try.", {"type": "integer", "minimum": 1}),
    "Link": _header('The next page, as `<…>; rel="next"`.', {"type": "string"}),
}


def answer(status: str, description: str, content: dict[str, Any] | None, *headers: str) -> dict[str, Any]:
    """A response with the headers that every one has, and those given."""
    waits = ("Retry-After",) if status in ("429", "503") else ()
    names = (*_EVERY_ANSWER, *headers, *waits)
    described: dict[str, Any] = {
        "description": description,
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
    }
    return described if content is None else described | {"content": content}


class DescribedRoute:
    """A row of the table that is a route."""

    def __init__(self, function: Function, operation: Operation) -> None:
        found = signature(function, operation)
        self.function = function
        self.operation = operation
        self._message: type[Struct] = found.message
        self._answers = sorted(members(found.returns), key=lambda kind: (_status_of(kind), kind.__name__))
        self._documentation = inspect.cleandoc(function.module(operation).__doc__ or "")
        self._is_post = operation.method == "POST" and operation.role != "public"

    def kinds(self) -> list[type[Struct]]:
        """The types whose schemas `render` asks for."""
        answers = [kind for kind in self._answers if kind not in _WITHOUT_SCHEMA]
        data = getattr(self._message, "data_type", None)
        messages: list[type[Struct]] = [] if issubclass(self._message, _UNDECODED) else [self._message]
        if issubclass(self._message, RawRequest):
            messages = [self._message.content]
        return [*messages, *answers, *([data] if data else [])]

    def render(self, schemas: Schemas) -> dict[str, Any]:
        operation = self.operation
        described: dict[str, Any] = {
            "operationId": f"{self.function.name}_{operation.verb}".removesuffix("_handler"),
            "tags": [self.function.name],
            "summary": operation.summary,
            "description": self._documentation,
            "parameters": self._parameters(schemas),
            "responses": _joined(self._successes(schemas), self._errors(schemas)),
        }
        if operation.method not in _BODYLESS and (body := self._body(schemas)):
            described["requestBody"] = body
        if operation.role == "public":
            return described | {"security": []}
        return described | {"x-aegis-role": operation.role}

    def _parameters(self, schemas: Schemas) -> list[dict[str, Any]]:
        properties = self._schema(schemas).get("properties", {})
        names = self.operation.path_parameters
        found = [_parameter(name, "path", properties[name], required=True) for name in names]
        if self.operation.method in _BODYLESS:
            needed = self._schema(schemas).get("required", [])
            found += [
                _parameter(name, "query", one, required=name in needed)
                for name, one in properties.items()
                if name not in names
            ]
        if self._is_post:
            found.append(_parameter("Idempotency-Key", "header", {"type": "string", "minLength": 1, "maxLength": 255}))
        if EventStream in self._answers and self.operation.method == "GET":
            found.append(_parameter("Last-Event-ID", "header", {"type": "string"}))
        if self._takes_event():
            found += [
                _parameter(f"ce-{name}", "header", schema) for name, schema in _event_attributes(self._message).items()
            ]
        return found

    def _schema(self, schemas: Schemas) -> dict[str, Any]:
        return {} if issubclass(self._message, _UNDECODED) else schemas.of(self._message)

    def _takes_event(self) -> bool:
        return self._message.__annotations__.get("event") is CloudEvent

    def _body(self, schemas: Schemas) -> dict[str, Any] | None:
        if self._takes_event():
            return _event_body(self._message, schemas)
        if issubclass(self._message, RawRequest):
            described = {"schema": schemas.reference(self._message.content)}
            return {"required": True, "content": {"application/json": described}}
        if issubclass(self._message, SpooledBody):
            content = {media_type: {"schema": {"type": "string"}} for media_type in self._message.media_types}
            return {"required": True, "content": content}
        schema, names = self._schema(schemas), self.operation.path_parameters
        properties = {name: one for name, one in schema.get("properties", {}).items() if name not in names}
        if not properties:
            return None
        files = [field.encode_name for field in msgspec.structs.fields(self._message) if field.type is SpooledFile]
        properties |= {name: {"type": "string", "contentMediaType": "application/octet-stream"} for name in files}
        body = {
            "type": "object",
            "properties": properties,
            "required": [name for name in schema.get("required", []) if name in properties],
            "additionalProperties": ignores_unknown(self._message),
        }
        if "description" in schema:
            body["description"] = schema["description"]
        media_type = "multipart/form-data" if files else "application/json"
        return {"required": bool(body["required"]), "content": {media_type: {"schema": body}}}

    def _successes(self, schemas: Schemas) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind in self._answers:
            status = str(_status_of(kind))
            if kind in (EmptyAnswer, type(None)):
                found[status] = answer(status, "Done.", None, *self._headers(status))
                continue
            link = ("Link",) if issubclass(kind, Paged) else ()
            described = found.setdefault(status, answer(status, "The answer.", {}, *self._headers(status), *link))
            for media_type, content in _content_of(kind, schemas).items():
                before = described["content"].get(media_type)
                described["content"][media_type] = _either(before, content) if before else content
        return found

    def _errors(self, schemas: Schemas) -> dict[str, Any]:
        openai = is_openai_path(self.operation.path)
        body = schemas.reference(ErrorBody if openai else ProblemBody)
        content = {"application/json" if openai else MEDIA_TYPE: {"schema": body}}
        titles: dict[str, list[str]] = {}
        for problem in sorted(self._problems(), key=lambda one: (one.status, one.slug, one.title)):
            status = status_of(problem) if openai else problem.status
            titles.setdefault(str(status), []).append(f"{problem.title}.")
        return {
            status: answer(status, " ".join(titles[status]), content, *self._headers(status))
            for status in sorted(titles)
        }

    def _problems(self) -> set[type[Problem]]:
        """What the handler declares, and what the route itself may answer."""
        found: set[type[Problem]] = {*_EVERY_ROUTE, *self.function.errors(self.operation)}
        if self.operation.role != "public":
            found.update(_WITH_CREDENTIAL)
        if self.operation.method not in _BODYLESS:
            found.update(_WITH_BODY)
        if self._is_post:
            found.update(_REPEATABLE)
        return found

    def _headers(self, status: str) -> tuple[str, ...]:
        spends = ("X-Budget-Remaining",) if self.operation.spends else ()
        replayed = ("Idempotent-Replayed",) if self._is_post and int(status) in REPLAYED_STATUSES else ()
        return spends + replayed


def _joined(successes: dict[str, Any], errors: dict[str, Any]) -> dict[str, Any]:
    """The responses of a route. One status may have bodies of both: an answer of the handler and a problem."""
    for status in successes.keys() & errors.keys():
        errors[status]["content"] |= successes[status]["content"]
    return successes | errors


def _event_attributes(message: type[Struct]) -> dict[str, Any]:
    """The attributes that an event from outside has to have, as headers in binary mode."""
    text = {"type": "string", "minLength": 1}
    event_type = {"const": getattr(message, "event_type", None)}
    return {"specversion": {"const": "1.0"}, "id": text, "source": text, "type": event_type}


def _event_body(message: type[Struct], schemas: Schemas) -> dict[str, Any]:
    """A CloudEvent: structured, or binary with its attributes as `ce-` headers."""
    data = schemas.reference(message.data_type)  # type: ignore[attr-defined]
    attributes = _event_attributes(message)
    encoded = {"type": "string", "contentEncoding": "base64", "contentMediaType": "application/json"}
    structured = {
        "type": "object",
        "properties": {**attributes, "data": data, DATA_BASE64: encoded | {"contentSchema": data}},
        "required": [*attributes],
        "oneOf": [{"required": ["data"]}, {"required": [DATA_BASE64]}],
    }
    content = {_STRUCTURED: {"schema": structured}, "application/json": {"schema": data}}
    return {"required": True, "content": content}


def _either(before: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """A body that has one of several types."""
    others = before["schema"].get("anyOf", [before["schema"]])
    return {"schema": {"anyOf": [*others, content["schema"]]}}


def _content_of(kind: Any, schemas: Schemas) -> dict[str, Any]:
    if kind is EventStream:
        return {"text/event-stream": {"schema": {"description": "Server-Sent Events, each with `data` in JSON."}}}
    if kind is Content:
        return {"*/*": {"schema": {"type": "string"}}}
    return {"application/json": {"schema": schemas.reference(kind)}}


def _status_of(kind: Any) -> int:
    return 204 if kind is type(None) else getattr(kind, "http_status", 200)


def _parameter(name: str, place: str, schema: Any, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}
