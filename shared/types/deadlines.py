"""Bounds how long a call waits for a store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.types.errors import StoreUnavailable


@asynccontextmanager
async def answered_within(seconds: float, store: str, what: str = "no answer") -> AsyncIterator[None]:
    """Raises `StoreUnavailable` when the block takes longer."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise StoreUnavailable(store, f"{what} within {seconds:g} s") from None
