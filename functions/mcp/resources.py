"""Documents as resources: their text in Markdown, at `aegis://documents/{document_id}`."""

from typing import Any

from functions.mcp.messages import INVALID_PARAMS, RESOURCE_NOT_FOUND, RpcError
from functions.mcp.tools import TenantDocuments
from shared.catalogue.finding import find, list_views
from shared.parsing.document_text import document_text
from shared.types.errors import Conflict, InvalidRequest, NotFound

_PREFIX = "aegis://documents/"
_MARKDOWN = "text/markdown"
_A_PAGE = 50
_LARGEST = 4 * 1024 * 1024


async def list_resources(params: dict[str, Any], documents: TenantDocuments) -> dict[str, Any]:
    """Raises `RpcError` for a cursor that is none of ours."""
    cursor = params.get("cursor")
    try:
        if cursor is not None and not isinstance(cursor, str):
            raise InvalidRequest.at("/cursor", "it has to be a string")
        items, next_cursor = await list_views(documents.catalogue, documents.table, _A_PAGE, cursor)
    except InvalidRequest as error:
        raise RpcError(INVALID_PARAMS, error.detail) from None
    resources = [
        {"uri": _PREFIX + one.document_id, "name": one.filename, "title": one.title, "mimeType": _MARKDOWN}
        for one in items
    ]
    return {"resources": resources, **({"nextCursor": next_cursor} if next_cursor else {})}


def list_templates() -> dict[str, Any]:
    template = {
        "uriTemplate": f"{_PREFIX}{{document_id}}",
        "name": "document",
        "title": "A document's text",
        "mimeType": _MARKDOWN,
    }
    return {"resourceTemplates": [template]}


async def read_resource(params: dict[str, Any], documents: TenantDocuments, *, is_modern: bool) -> dict[str, Any]:
    """Raises `RpcError`."""
    uri = params.get("uri")
    if not isinstance(uri, str):
        raise RpcError(INVALID_PARAMS, "`uri` is missing.")
    try:
        entry = await find(uri.removeprefix(_PREFIX) if uri.startswith(_PREFIX) else "", documents.catalogue)
        text = await document_text(entry.record, documents.records, documents.table, documents.parsers)
    except NotFound:
        code = INVALID_PARAMS if is_modern else RESOURCE_NOT_FOUND
        raise RpcError(code, "Resource not found", {"uri": uri[:200]}) from None
    except Conflict as error:
        raise RpcError(INVALID_PARAMS, error.detail, {"uri": uri}) from None
    if len(text) > _LARGEST:
        raise RpcError(INVALID_PARAMS, "The document is long: read it part by part, by the tool get_document.")
    return {"contents": [{"uri": uri, "mimeType": _MARKDOWN, "text": text.decode()}]}
