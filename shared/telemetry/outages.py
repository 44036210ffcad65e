"""Why a call could not be served for the moment, as fields of a log line."""

import time
import traceback
from typing import Any

from shared.types.errors import Problem, StoreUnavailable

_STORES = ("/shared/redis/", "/shared/blobs/", "/shared/vectors/", "/shared/bus/", "/shared/embedding/")
_OURS = ("/shared/", "/functions/")


def outage_fields(error: BaseException, started: float, retry_after: int | None) -> dict[str, Any]:
    """The store, the operation, the reason, how long the call lasted since `started` (by `time.monotonic`), and when
    its caller may come again (seconds)."""
    cause = _cause(error)
    return {
        "store": cause.store if isinstance(cause, StoreUnavailable) else "",
        "operation": operation_of(cause),
        "reason": cause.detail if isinstance(cause, (StoreUnavailable, Problem)) else type(cause).__name__,
        "waited_ms": round((time.monotonic() - started) * 1000, 1),
        "retry_after": retry_after,
    }


def operation_of(error: BaseException) -> str:
    """Names the caller and the call of the store from the traceback: `Gate._ask RedisClient.run`."""
    codes = [frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__)]
    ours = [code for code in codes if any(part in code.co_filename for part in _OURS)]
    stores = (place for place, code in enumerate(ours) if any(part in code.co_filename for part in _STORES))
    place = next(stores, len(ours) - 1)
    return " ".join(code.co_qualname for code in ours[max(place - 1, 0) : place + 1])


def _cause(error: BaseException) -> BaseException:
    """The store's error below what the caller is answered, where there is one.

    A chain of causes may lead back to its beginning: an error that is raised again from its own consequence.
    """
    cause: BaseException | None = error
    visited: set[int] = set()
    while cause and not isinstance(cause, StoreUnavailable):
        if id(cause) in visited:
            return error
        visited.add(id(cause))
        cause = cause.__cause__
    return cause or error
