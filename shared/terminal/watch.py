"""Follows a document to its final status, by events where they arrive and by polling where they do not."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

from msgspec import Struct

from shared.terminal import retry
from shared.terminal.client import ServerClient, convert_to, event_json, json_body
from shared.terminal.errors import CommandError
from shared.terminal.retry import RequestRetrier
from shared.terminal.sse import ServerEvent

FINAL = frozenset({"ready", "rejected", "failed", "deleting"})
BUDGET = "budget"
"""Such a document continues only with a higher cost limit."""
LONGEST_PAUSE = 5.0
LEAST_SHARE = Decimal("0.99")
"""A document of whose words fewer are in its content is reported to its owner."""


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
    """The fields of a document that commands print."""

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
    text_share: Decimal | None = None
    hidden_words: int | None = None
    parser: str | None = None
    stages: list[Stage] = []

    @property
    def losses(self) -> str:
        """What of the document's text is not in its content, as a sentence; empty where nothing is missing."""
        lost = self.text_share is not None and self.text_share < LEAST_SHARE
        missing = f"only {100 * (self.text_share or 0):.1f} % of its words are in its content" if lost else ""
        hidden = f"{self.hidden_words} hidden words were left out" if self.hidden_words else ""
        return "; ".join(filter(None, (missing, hidden)))


class DocumentWatcher:
    """Watches one document; `on_stage` is called with each change, perhaps more than once."""

    def __init__(
        self, server: ServerClient, document_id: str, retrier: RequestRetrier, on_stage: Callable[[Stage], None]
    ) -> None:
        self._server = server
        self._path = f"/documents/{document_id}"
        self._retrier = retrier
        self._on_stage = on_stage
        self._last_id = ""

    async def wait(self) -> dict[str, Any]:
        """Waits for the final status, or for a document that waits for its owner, and returns the server's JSON."""
        import asyncio

        pause = retry.FIRST_PAUSE
        while True:
            # Whatever stopped the events, the document itself shows whether it matters.
            with suppress(CommandError):
                await self._listen()
            raw, document = await self._retrier.call(self._read)
            if document.status in FINAL or document.waiting_for == BUDGET:
                return raw
            self._on_stage(Stage(status=document.status, waiting_for=document.waiting_for))
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)

    async def _read(self) -> tuple[dict[str, Any], Document]:
        raw = json_body(self._server.connection, await self._server.send("GET", self._path))
        return raw, convert_to(self._server.connection, raw, Document)

    async def _listen(self) -> None:
        """Reads events until the document is done or waits for its owner, or the server ends the stream."""
        async with self._server.stream("GET", f"{self._path}/events", last_id=self._last_id) as events:
            async for event in events:
                self._last_id = event.last_id
                if event.name == "done":
                    return
                if (stage := self._stage(event)) is not None:
                    self._on_stage(stage)
                    if event.name == "waiting" and stage.reason and stage.reason.code == BUDGET:
                        return

    def _stage(self, event: ServerEvent) -> Stage | None:
        """The stage of an event; None for an event that this revision cannot read."""
        try:
            return convert_to(self._server.connection, event_json(self._server.connection, event), Stage)
        except CommandError:
            return None
