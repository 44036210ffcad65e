"""Reads the envelope of a request and decides which revision of the protocol it speaks.

Since revision 2026-07-28 every request carries its version, in its body and in a header, and there is no session.
Before, `initialize` agreed on a version; as no state is needed, each request is served on its own there too.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from functions.mcp.messages import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    RequestId,
    RpcError,
)
from shared.runtime.http.requests import decode_json
from shared.types.errors import InvalidRequest
from shared.types.mcp_headers import NAMED_BY, VERSION_KEY, decoded

MODERN = ("2026-07-28",)
LEGACY = ("2025-11-25", "2025-06-18")
"""Those with `initialize`, newest first."""
_CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities"
_VERSION_HEADER = "mcp-protocol-version"
_LARGEST_ID = 2**53


class RpcCall(Struct, frozen=True):
    """`id` is None for a notification."""

    id: RequestId | None
    method: str
    params: dict[str, Any]
    is_modern: bool


def read_body(body: bytes) -> dict[str, Any]:
    """Raises `RpcError` for what is not one JSON object."""
    try:
        message = decode_json(body)
    except InvalidRequest as error:
        raise RpcError(PARSE_ERROR, error.detail) from None
    if not isinstance(message, dict):
        raise RpcError(INVALID_REQUEST, "The body has to be one JSON-RPC message, not a batch.")
    return message


def readable_id(message: Mapping[str, Any]) -> RequestId | None:
    """The request's id, where it is one."""
    found = message.get("id")
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return found if isinstance(found, str) or abs(found) < _LARGEST_ID else None


def read_call(message: dict[str, Any], headers: Mapping[str, str]) -> RpcCall:
    """Raises `RpcError`."""
    method, params = message.get("method"), message.get("params", {})
    if message.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise RpcError(INVALID_REQUEST, "A message needs `jsonrpc` with the value 2.0, and a `method`.")
    is_notification = "id" not in message
    if not is_notification and readable_id(message) is None:
        raise RpcError(INVALID_REQUEST, "The `id` of a request has to be a string or an integer.")
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "`params` has to be an object.")
    is_modern = _is_modern(method, params, headers)
    if is_modern and not is_notification:
        _check_modern(method, params, headers)
    return RpcCall(None if is_notification else readable_id(message), method, params, is_modern)


def _is_modern(method: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> bool:
    """Whether the request carries its own version. Raises `RpcError` for a version that is not served."""
    version = headers.get(_VERSION_HEADER)
    meta = params.get("_meta")
    if isinstance(meta, dict) and VERSION_KEY in meta:
        return True
    if method == "initialize" or version is None or version in LEGACY:
        return False
    if version not in MODERN:
        raise _unsupported(version)
    return True


def _check_modern(method: str, params: Mapping[str, Any], headers: Mapping[str, str]) -> None:
    meta = params.get("_meta")
    missing = [key for key in (VERSION_KEY, _CAPABILITIES_KEY) if not isinstance(meta, dict) or key not in meta]
    if missing or not isinstance(meta, dict):
        raise RpcError(INVALID_PARAMS, f"`params._meta` lacks {' and '.join(missing)}.")
    version = meta[VERSION_KEY]
    _check_header(headers, _VERSION_HEADER, version)
    _check_header(headers, "mcp-method", method)
    if (name := params.get(NAMED_BY.get(method, ""))) is not None:
        _check_header(headers, "mcp-name", name)
    if version not in MODERN:
        raise _unsupported(version)
    if not isinstance(meta[_CAPABILITIES_KEY], dict):
        raise RpcError(INVALID_PARAMS, f"`{_CAPABILITIES_KEY}` has to be an object.")


def _check_header(headers: Mapping[str, str], name: str, value: Any) -> None:
    found = headers.get(name)
    repeated = decoded(found) if name == "mcp-name" and found is not None else found
    if repeated is None or repeated != value:
        raise RpcError(HEADER_MISMATCH, f"Header mismatch: the header `{name}` has to repeat what the body has.")


def _unsupported(version: Any) -> RpcError:
    supported = [*MODERN, *LEGACY]
    return RpcError(
        UNSUPPORTED_VERSION, "Unsupported protocol version", {"supported": supported, "requested": str(version)[:64]}
    )
