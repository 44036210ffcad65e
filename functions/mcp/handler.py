"""Serves the Model Context Protocol over HTTP: tools to search, ask and read, and documents as resources.

Revision 2026-07-28, and 2025-11-25 and 2025-06-18 for clients that begin with `initialize`. There are no sessions."""

from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

from functions.mcp.envelope import LEGACY, MODERN, RpcCall, read_body, read_call, readable_id
from functions.mcp.messages import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    ErrorObject,
    McpRequest,
    RefusedCall,
    RpcError,
    RpcFailure,
    RpcResult,
    UnknownMethod,
    failure,
)
from functions.mcp.origin import check_origin
from functions.mcp.resources import list_resources, list_templates, read_resource
from functions.mcp.tools import TenantDocuments, call_tool, list_tools
from shared.runtime.wiring.settings import Settings
from shared.types.errors import Forbidden
from shared.types.http import EmptyAnswer, EventStream, ServerSentEvent

ERRORS = (Forbidden,)

_CAPABILITIES: dict[str, Any] = {"tools": {}, "resources": {}}
_INSTRUCTIONS = (
    "Answers come from the caller's own documents, with citations. Use `ask` for a question, `search` for passages, "
    "`get_document` to read on."
)
_TTL_MS = {"server/discover": 3_600_000, "tools/list": 300_000, "resources/templates/list": 3_600_000}
"""How long a client may use a result again. What belongs to documents can change at any time."""
_CACHEABLE = {*_TTL_MS, "resources/list", "resources/read"}
_SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


async def handle(
    request: McpRequest, documents: TenantDocuments, settings: Settings
) -> RpcResult | RpcFailure | RefusedCall | UnknownMethod | EmptyAnswer | EventStream:
    check_origin(request.headers, settings)
    message: dict[str, Any] = {}
    try:
        message = read_body(request.body)
        call = read_call(message, request.headers)
    except RpcError as error:
        return RefusedCall(readable_id(message), ErrorObject(error.code, error.message, error.data))
    if call.id is None:
        return EmptyAnswer()
    if call.method == "subscriptions/listen" and call.is_modern:
        return EventStream(_subscription(call))
    try:
        return RpcResult(call.id, _completed(call, await _result(call, documents)))
    except RpcError as error:
        return failure(call.id, error, is_modern=call.is_modern)


async def _result(call: RpcCall, documents: TenantDocuments) -> dict[str, Any]:
    params = call.params
    match call.method:
        case "tools/list":
            principal = documents.call.principal
            return {"tools": list_tools(principal.scopes if principal else ())}
        case "tools/call":
            return await call_tool(params, documents)
        case "resources/list":
            return await list_resources(params, documents)
        case "resources/templates/list":
            return list_templates()
        case "resources/read":
            return await read_resource(params, documents, is_modern=call.is_modern)
        case "server/discover" if call.is_modern:
            return {
                "supportedVersions": [*MODERN, *LEGACY],
                "capabilities": _CAPABILITIES,
                "instructions": _INSTRUCTIONS,
            }
        case "initialize" if not call.is_modern:
            return _initialized(params)
        case "ping" if not call.is_modern:
            return {}
    raise RpcError(METHOD_NOT_FOUND, "Method not found", {"method": call.method[:100]})


def _initialized(params: dict[str, Any]) -> dict[str, Any]:
    wanted = params.get("protocolVersion")
    if not isinstance(wanted, str):
        raise RpcError(INVALID_PARAMS, "`protocolVersion` is missing.")
    return {
        "protocolVersion": wanted if wanted in LEGACY else LEGACY[0],
        "capabilities": _CAPABILITIES,
        "serverInfo": _server(),
        "instructions": _INSTRUCTIONS,
    }


def _completed(call: RpcCall, result: dict[str, Any]) -> dict[str, Any]:
    """The result with what its revision adds."""
    if not call.is_modern:
        return result
    cached = {"ttlMs": _TTL_MS.get(call.method, 0), "cacheScope": "private"} if call.method in _CACHEABLE else {}
    return {"resultType": "complete", **cached, **result, "_meta": _meta()}


async def _subscription(call: RpcCall) -> AsyncIterator[ServerSentEvent]:
    """Nothing here notifies of changes: the subscription is acknowledged as empty, and ends, so that it does not keep
    a process running."""
    meta = {_SUBSCRIPTION: call.id}
    acknowledged = {"_meta": meta, "notifications": {}}
    yield ServerSentEvent(
        "message", {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": acknowledged}
    )
    result = {"resultType": "complete", "_meta": _meta() | meta}
    yield ServerSentEvent("message", {"jsonrpc": "2.0", "id": call.id, "result": result})


def _meta() -> dict[str, Any]:
    return {"io.modelcontextprotocol/serverInfo": _server()}


def _server() -> dict[str, str]:
    return {"name": "aegisrag", "title": "AegisRAG", "version": version("aegisrag")}
