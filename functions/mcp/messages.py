"""JSON-RPC messages of the Model Context Protocol."""

from typing import Any, ClassVar, Literal

from msgspec import UNSET, Struct, UnsetType

from shared.types.errors import AegisError
from shared.types.http import RawRequest

RequestId = str | int

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
RESOURCE_NOT_FOUND = -32002
"""In revisions before 2026-07-28."""
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022


class RpcMessage(Struct, frozen=True):
    """A request, or a notification where it has no `id`."""

    jsonrpc: Literal["2.0"]
    method: str
    id: RequestId | UnsetType = UNSET
    params: dict[str, Any] = {}


class McpRequest(RawRequest, frozen=True):
    """One JSON-RPC request or notification. A client cancels its request by closing the connection."""

    ends_with_caller: ClassVar[bool] = True
    content: ClassVar[type[Struct]] = RpcMessage


class RpcError(AegisError):
    """The request is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Any = UNSET) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class ErrorObject(Struct, frozen=True):
    code: int
    message: str
    data: Any | UnsetType = UNSET


class RpcResult(Struct, frozen=True):
    id: RequestId
    result: dict[str, Any]
    jsonrpc: Literal["2.0"] = "2.0"


class RpcFailure(Struct, frozen=True):
    """`id` is null where the request's could not be read."""

    id: RequestId | None
    error: ErrorObject
    jsonrpc: Literal["2.0"] = "2.0"


class RefusedCall(RpcFailure, frozen=True):
    """The request is not valid in its protocol revision."""

    http_status: ClassVar[int] = 400


class UnknownMethod(RpcFailure, frozen=True):
    http_status: ClassVar[int] = 404


def failure(request_id: RequestId | None, error: RpcError, *, is_modern: bool) -> RpcFailure:
    """The error as the revision of the request answers it: since 2026-07-28 the status tells the kind of error."""
    kind: type[RpcFailure] = RpcFailure
    if is_modern:
        kind = UnknownMethod if error.code == METHOD_NOT_FOUND else RefusedCall
    return kind(request_id, ErrorObject(error.code, error.message, error.data))
