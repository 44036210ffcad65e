"""Delivers each message of a queue's batch by itself, and reports those that the queue has to deliver again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from events.envelope import MalformedEventError
from shared.bus.aws import AwsSink, change_visibility
from shared.bus.retries import ATTEMPTS, pause
from shared.runtime.aws.sources import QueuedEvent, SourceEvent, read_message
from shared.runtime.events.dead_letters import encode_undelivered
from shared.runtime.events.delivery import DeliveryResult
from shared.table.table import Function
from shared.telemetry.logs import log
from shared.types.errors import StoreUnavailable
from shared.types.undelivered import UndeliveredEvent

Deliver = Callable[[SourceEvent, str], Awaitable[DeliveryResult]]


class MessageFailed(Exception):
    """The queue has to deliver the message again."""


class QueueConsumer:
    """Consumes the queue of one function. `dead_letters` receives what no attempt could handle; without it such a
    message goes where its queue's redrive policy says, and its last result is only in the log."""

    def __init__(self, function: Function, deliver: Deliver, dead_letters: AwsSink | None) -> None:
        self._function = function
        self._deliver = deliver
        self._dead_letters = dead_letters
        self._slots = asyncio.Semaphore(function.concurrency)

    async def process(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Lambda's answer: `batchItemFailures` with the messages to deliver again."""
        with _Batch()(records, self._process) as batch:
            await batch.run()
        return {**batch.response()}

    async def _process(self, record: SQSRecord) -> None:
        async with self._slots:
            for source, result in await self._deliver_message(record):
                if result.status in (200, 204):
                    continue
                if await self._is_settled(record, source, result):
                    continue
                await self._retry_later(record, result)
                raise MessageFailed(result.detail)

    async def _deliver_message(self, record: SQSRecord) -> list[tuple[SourceEvent | None, DeliveryResult]]:
        try:
            found = read_message(record.body)
        except MalformedEventError as error:
            log().error(f"dropped a message: {error}", extra={"function": self._function.name})
            return [(None, DeliveryResult(400, detail=str(error)))]
        from_queue = record.attributes.get("DeadLetterQueueSourceArn") or ""
        return [(source, await self._deliver(source, from_queue)) for source in found]

    async def _is_settled(self, record: SQSRecord, source: SourceEvent | None, result: DeliveryResult) -> bool:
        """Whether there is nothing more to try; the event is then a dead letter. Not one that is not signed, which
        anybody could have sent, and not a dead letter that cannot be read."""
        if not result.is_final and _attempts(record) < ATTEMPTS:
            return False
        if result.status == 401 or not isinstance(source, QueuedEvent):
            return result.is_final
        return await self._dead_letter(source, result, _attempts(record)) or result.is_final

    async def _dead_letter(self, source: QueuedEvent, result: DeliveryResult, attempts: int) -> bool:
        if self._dead_letters is None:
            return False
        undelivered = UndeliveredEvent(source.event, self._function.name, result.status, result.detail, attempts)
        try:
            await self._dead_letters.put(undelivered.event, encode_undelivered(undelivered))
        except StoreUnavailable as error:
            log().error(f"cannot send a dead letter: {error}", extra={"function": self._function.name})
            raise MessageFailed(str(error)) from error
        return True

    async def _retry_later(self, record: SQSRecord, result: DeliveryResult) -> None:
        """Makes the message visible after 2, 4, 8 … 60 s; otherwise only after the queue's visibility time-out."""
        after_s = max(pause(_attempts(record) - 1), result.retry_after or 0)
        try:
            await change_visibility(record.event_source_arn, record.receipt_handle, round(after_s))
        except StoreUnavailable as error:
            log().warning(f"cannot change a message's visibility: {error}", extra={"function": self._function.name})


class _Batch(AsyncBatchProcessor):
    """Powertools' processor on the event loop that already runs."""

    def __init__(self) -> None:
        super().__init__(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    async def run(self) -> None:
        await asyncio.gather(*(self._async_process_record(record) for record in self.records))


def _attempts(record: SQSRecord) -> int:
    """How often the message was received, this time included."""
    count = str(record.attributes.get("ApproximateReceiveCount") or "1")
    return int(count) if count.isdigit() else 1
