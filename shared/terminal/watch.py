"""Follows a document to its end, by the server's events where they come and by asking where they do not."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from msgspec import Struct

from shared.terminal import patience
from shared.terminal.client import ServerClient, body, event_body, shaped
from shared.terminal.failure import Failure
from shared.terminal.patience import WaitLimit
from shared.terminal.sse import ServerEvent

FINAL = frozenset({"ready", "rejected", "failed", "deleting"})
BUDGET = "budget"
"""Only a higher bound of what it may cost lets such a document go on."""
LONGEST_PAUSE = 5.0


class WaitReason(Struct):
    code: str = ""
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else self.code


class Stage(Struct):
    stage: str = ""
    status: str = ""
    attempts: int | None = None
    seconds: Decimal | None = None
    cost_usd: Decimal | None = None
    reason: WaitReason | None = None
    waiting_for: str | None = None

    def __str__(self) -> str:
        return f"waiting for {self.waiting_for}" if self.waiting_for else f"{self.stage} {self.status}".strip()


class Document(Struct):
    """A document as the server tells of it."""

    document_id: str
    status: str
    title: str = ""
    filename: str = ""
    classification: str = ""
    route: str | None = None
    bytes: int | None = None
    reason: WaitReason | None = None
    waiting_for: str | None = None
    created_at: str | None = None
    pages: int | None = None
    passages: int | None = None
    entities: int | None = None
    cost_usd: Decimal | None = None
    stages: list[Stage] = []


class Follower:
    """One document on its way; `seen` is told of each change, perhaps more than once."""

    def __init__(
        self, server: ServerClient, document_id: str, calmly: WaitLimit, seen: Callable[[Stage], None]
    ) -> None:
        self._server = server
        self._path = f"/documents/{document_id}"
        self._calmly = calmly
        self._seen = seen
        self._last_id = ""

    async def to_its_end(self) -> dict[str, Any]:
        """The document in its final status, or where it waits for a decision of its owner, as the server sent it."""
        import asyncio

        pause = patience.FIRST_PAUSE
        while True:
            # Whatever kept the events away, asking for the document itself tells whether it matters.
            with suppress(Failure):
                await self._hear()
            raw, document = await self._calmly.of(self._ask)
            if document.status in FINAL or document.waiting_for == BUDGET:
                return raw
            self._seen(Stage(status=document.status, waiting_for=document.waiting_for))
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    async def _ask(self) -> tuple[dict[str, Any], Document]:
        raw = body(self._server.place, await self._server.send("GET", self._path))
        return raw, shaped(self._server.place, raw, Document)

    async def _hear(self) -> None:
        """Listens until the document is done or waits for its owner, or the server ends the stream."""
        async with self._server.stream("GET", f"{self._path}/events", last_id=self._last_id) as events:
            async for event in events:
                self._last_id = event.last_id
                if event.name == "done":
                    return
                if (stage := self._stage(event)) is not None:
                    self._seen(stage)
                    if event.name == "waiting" and stage.reason and stage.reason.code == BUDGET:
                        return

    def _stage(self, event: ServerEvent) -> Stage | None:
        """What an event says of a stage; what a newer server says otherwise is not worth a failure."""
        try:
            return shaped(self._server.place, event_body(self._server.place, event), Stage)
        except Failure:
            return None
