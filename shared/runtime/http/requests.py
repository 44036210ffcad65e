"""Parses a request into its handler's message, and names the field that is wrong."""

import re
import typing
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from shared.runtime.http import bounded_json
from shared.types.errors import InvalidRequest, UnsupportedMediaType
from shared.types.question import NOT_BLANK

_AT = re.compile(r" - at `(?:key in )?(.*)`$")
_UNKNOWN = re.compile(r"unknown field `(.*?)`")
_MISSING = re.compile(r"missing required field `(.*?)`")


def refuse_encoding(headers: Mapping[str, str]) -> None:
    """Raises `UnsupportedMediaType` for a body that is compressed: what it expands to is not bounded by its length."""
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("Send the body as it is, without `Content-Encoding`.")


def from_query(kind: type[Struct], path: dict[str, str], query: list[tuple[str, str]]) -> Struct:
    """A message without a body: path and query parameters, each given once. A message whose class variable
    `ignores_unknown` is true takes no notice of what it does not know, here and in JSON."""
    fields: dict[str, Any] = {}
    lists = {
        name
        for name, hint in typing.get_type_hints(kind).items()
        if any(typing.get_origin(part) in (list, tuple) for part in (hint, *typing.get_args(hint)))
    }
    for name, value in query:
        if name in lists:
            fields.setdefault(name, []).append(value)
        elif name in fields:
            raise InvalidRequest.at(f"/{name}", f"`{name}` is given twice")
        else:
            fields[name] = value
    return _convert(kind, path, fields, strict=False)


def from_json(kind: type[Struct], path: dict[str, str], content_type: str, body: bytes) -> Struct:
    """A message with a JSON body. Raises `UnsupportedMediaType` and `InvalidRequest`."""
    if not body and not content_type.strip() and _takes_nothing(kind, path):
        return _convert(kind, path, {}, strict=True)
    require_json(content_type)
    fields = decode_json(body) if body or not _takes_nothing(kind, path) else {}
    if not isinstance(fields, dict):
        raise InvalidRequest("The body has to be a JSON object.")
    return _convert(kind, path, fields, strict=True)


def require_json(content_type: str) -> None:
    """Raises `UnsupportedMediaType` for another type than JSON."""
    if media_type_of(content_type) != "application/json":
        raise UnsupportedMediaType("Send the body as JSON, with `Content-Type: application/json`.")


def media_type_of(content_type: str) -> str:
    """The type of a `Content-Type`, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def from_fields(kind: type[Struct], path: dict[str, str], fields: dict[str, Any]) -> Struct:
    """A message from the parts of a form."""
    return _convert(kind, path, fields, strict=False)


def decode_json(body: bytes) -> Any:
    """Raises `InvalidRequest` for what is no JSON, no UTF-8, deeper than 64, too many values, or has a key twice."""
    try:
        return bounded_json.decode(body)
    except bounded_json.UnreadableJsonError as error:
        raise InvalidRequest(str(error)) from None


def _convert(kind: type[Struct], path: dict[str, str], fields: dict[str, Any], *, strict: bool) -> Struct:
    known = set(kind.__struct_encode_fields__)
    if ignores_unknown(kind):
        fields = {name: value for name, value in fields.items() if name in known}
    for name in fields:
        if name not in known or name in path:
            raise InvalidRequest.at(f"/{name}", f"`{name}` is not known here")
    try:
        return msgspec.convert({**fields, **path}, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise explained(error) from None


def explained(error: msgspec.ValidationError, within: str = "") -> InvalidRequest:
    """Converts msgspec's error to ours, with a pointer to the field; `within` is the pointer of the whole value."""
    message = str(error)
    found = _AT.search(message)
    detail = _AT.sub("", message).replace(f"Expected `str` matching regex {NOT_BLANK!r}", "must not be blank")
    place = found[1] if found else "$"
    field = _UNKNOWN.search(detail) or _MISSING.search(detail)
    pointer = re.sub(r"\[(\d+)\]", r"/\1", place.removeprefix("$")).replace(".", "/")
    if field:
        pointer += f"/{field[1]}"
    return InvalidRequest.at(within + pointer or "/", detail)


def ignores_unknown(kind: type[Struct]) -> bool:
    return bool(getattr(kind, "ignores_unknown", False))


def ends_with_caller(message: Struct) -> bool:
    """Whether the work on the message is of no use once its caller has left."""
    return bool(getattr(message, "ends_with_caller", False))


def _takes_nothing(kind: type[Struct], path: dict[str, str]) -> bool:
    """Whether the message can be made from the path alone."""
    return all(not field.required for field in msgspec.structs.fields(kind) if field.name not in path)
