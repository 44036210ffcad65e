"""Renders the API reference as a page that needs no network and no script."""

from html import escape
from typing import Any

import msgspec
from msgspec import Struct

from functions.front.page import page
from shared.runtime.http.openapi import describe
from shared.table.table import Table
from shared.types.http import Content


class ReadDocs(Struct, frozen=True):
    pass


async def handle(request: ReadDocs, table: Table) -> Content:
    return Content(page("AegisRAG API", _body(msgspec.json.decode(describe(table)))), "text/html; charset=utf-8")


def _body(api: dict[str, Any]) -> str:
    routes: dict[str, list[str]] = {}
    for path, operations in api["paths"].items():
        for method, operation in operations.items():
            routes.setdefault(operation["tags"][0], []).append(_route(method, path, operation))
    sections = "".join(f"<h2 id={name!r}>{escape(name)}</h2>{''.join(found)}" for name, found in routes.items())
    types = ""
    for name, schema in sorted(api["components"]["schemas"].items()):
        summary = f"<summary><code>{escape(name)}</code></summary><p>{escape(schema.get('description', ''))}</p>"
        types += f"<details id='{escape(name)}'>{summary}{_fields(schema)}</details>"
    intro = (
        f"<h1>{escape(api['info']['title'])} API</h1><p>{escape(api['info']['description'])}</p>"
        "<p>Send the key as <code>Authorization: Bearer &lt;key&gt;</code>. Every error is <code>problem+json</code>; "
        'its <code>type</code> leads to a page that says what to do. Machines read <a href="/openapi.json">'
        "/openapi.json</a>.</p>"
    )
    return f"{intro}{sections}<h2 id='types'>Types</h2>{types}"


def _route(method: str, path: str, operation: dict[str, Any]) -> str:
    role = operation.get("x-aegis-role")
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
        f"<span class='soft'>{escape(operation['summary'])}</span></summary>"
        f"<p>{escape(operation.get('description', ''))}</p>"
        f"<p>Role: {escape(role) if role else 'none, the route is public'}.</p>"
        f"{_parameters(operation.get('parameters', []))}{_request(operation.get('requestBody'))}"
        f"{_responses(operation['responses'])}</details>"
    )


def _parameters(parameters: list[dict[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code></td><td>{one['in']}</td><td>{_kind(one['schema'])}</td></tr>"
        for one in parameters
    )
    return f"<table><tr><th>parameter</th><th>in</th><th>type</th></tr>{rows}</table>" if rows else ""


def _request(body: dict[str, Any] | None) -> str:
    if not body:
        return ""
    return "".join(
        f"<p>Body: <code>{escape(media_type)}</code></p>{_fields(content['schema']) or _kind(content['schema'])}"
        for media_type, content in body["content"].items()
    )


def _fields(schema: dict[str, Any]) -> str:
    required = set(schema.get("required", []))
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{'required' if name in required else ''}</td>"
        f"<td>{_kind(field)}</td></tr>"
        for name, field in schema.get("properties", {}).items()
    )
    return f"<table><tr><th>field</th><th></th><th>type</th></tr>{rows}</table>" if rows else ""


def _responses(responses: dict[str, Any]) -> str:
    rows = ""
    for status, one in responses.items():
        content = one.get("content", {})
        kinds = "<br>".join(_kind(each["schema"], media_type) for media_type, each in content.items())
        rows += f"<tr><td>{status}</td><td>{escape(one['description'])}</td><td>{kinds}</td></tr>"
    return f"<table><tr><th>status</th><th></th><th>answer</th></tr>{rows}</table>"


def _kind(schema: dict[str, Any], media_type: str = "application/json") -> str:
    """A schema in a few words, with a link where it has a name."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href='#{name}'>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}" if isinstance(schema.get("items"), dict) else "list"
    if media_type != "application/json":
        return f"<code>{escape(media_type)}</code>"
    limits = [f"{name} {schema[name]}" for name in ("minimum", "maximum", "minLength", "maxLength") if name in schema]
    return escape(", ".join([str(schema.get("format") or schema.get("type") or "any"), *limits]))
