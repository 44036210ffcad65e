"""Ends work for a caller who has left, or whose key is no longer valid."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

from shared.runtime.http.exchange import Exchange
from shared.types.errors import InvalidRequest, Unauthenticated
from shared.types.tasks import cancel_all

_Result = TypeVar("_Result")


async def unless_abandoned(work: Coroutine[Any, Any, _Result], exchange: Exchange) -> _Result:
    """The result of the work. Cancels it and raises where the client leaves or its key is revoked before."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(exchange))
    try:
        with exchange.watching() as revoked:
            waited: set[asyncio.Future[Any]] = {working, leaving, revoked}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            if revoked.done():
                raise Unauthenticated("The key was revoked or has expired, or its tenant is suspended.")
            raise InvalidRequest("The client left before its answer.")
    finally:
        await cancel_all([working, leaving])


async def _disconnected(exchange: Exchange) -> None:
    while (await exchange.receive())["type"] != "http.disconnect":
        pass


async def while_valid(pieces: AsyncIterator[bytes], exchange: Exchange) -> AsyncIterator[bytes]:
    """A download's pieces; it breaks off, and looks incomplete to its reader, once the caller's key was revoked."""
    with exchange.watching() as revoked:
        exchange.revoked = revoked
        async for piece in pieces:
            if revoked.done():
                raise Unauthenticated("The key was revoked or has expired, or its tenant is suspended.")
            yield piece
