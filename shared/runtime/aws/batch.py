"""A batch of a queue's messages: each is delivered by itself, and only those that are to come again are said to have
failed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from events.envelope import MalformedEventError
from shared.bus.aws import AwsSink, show_again
from shared.bus.retries import ATTEMPTS, pause
from shared.runtime.aws.letters import body_of
from shared.runtime.aws.sources import Brought, Told, read_message
from shared.runtime.events.delivery import DeliveryResult
from shared.table.table import Function
from shared.telemetry.logs import log
from shared.types.errors import StoreUnavailable
from shared.types.undelivered import UndeliveredEvent

Deliver = Callable[[Brought, str], Awaitable[DeliveryResult]]


class Again(Exception):
    """The message is to be delivered once more."""


class Batches:
    """The queue of one function. `dead_letters` takes what no attempt could handle; without it such a message goes
    where its queue's redrive policy says, and its last answer is only in the log."""

    def __init__(self, function: Function, deliver: Deliver, dead_letters: AwsSink | None) -> None:
        self._function = function
        self._deliver = deliver
        self._dead_letters = dead_letters
        self._places = asyncio.Semaphore(function.concurrency)

    async def process(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Lambda's answer: `batchItemFailures` with what is to be delivered again."""
        with _Batch()(records, self._process) as batch:
            await batch.run()
        return {**batch.response()}

    async def _process(self, record: SQSRecord) -> None:
        async with self._places:
            for brought, delivered in await self._deliver_message(record):
                if delivered.status in (200, 204):
                    continue
                if await self._is_over(record, brought, delivered):
                    continue
                await self._postpone(record, delivered)
                raise Again(delivered.detail)

    async def _deliver_message(self, record: SQSRecord) -> list[tuple[Brought | None, DeliveryResult]]:
        try:
            found = read_message(record.body)
        except MalformedEventError as error:
            log().error(f"dropped a message: {error}", extra={"function": self._function.name})
            return [(None, DeliveryResult(400, detail=str(error)))]
        from_queue = record.attributes.get("DeadLetterQueueSourceArn") or ""
        return [(brought, await self._deliver(brought, from_queue)) for brought in found]

    async def _is_over(self, record: SQSRecord, brought: Brought | None, delivered: DeliveryResult) -> bool:
        """Whether there is nothing more to try. What is worth keeping is then a dead letter: not what is not signed,
        for anybody could have sent it, and not a dead letter that nobody could read."""
        if not delivered.is_final and _attempts(record) < ATTEMPTS:
            return False
        if delivered.status == 401 or not isinstance(brought, Told):
            return delivered.is_final
        return await self._bury(brought, delivered, _attempts(record)) or delivered.is_final

    async def _bury(self, brought: Told, delivered: DeliveryResult, attempts: int) -> bool:
        if self._dead_letters is None:
            return False
        letter = UndeliveredEvent(brought.event, self._function.name, delivered.status, delivered.detail, attempts)
        try:
            await self._dead_letters.put(letter.event, body_of(letter))
        except StoreUnavailable as error:
            log().error(f"cannot send a dead letter: {error}", extra={"function": self._function.name})
            raise Again(str(error)) from error
        return True

    async def _postpone(self, record: SQSRecord, delivered: DeliveryResult) -> None:
        """2, 4, 8 … 60 s as everywhere; otherwise the queue would hold the message back for its whole time-out."""
        after_s = max(pause(_attempts(record) - 1), delivered.retry_after or 0)
        try:
            await show_again(record.event_source_arn, record.receipt_handle, round(after_s))
        except StoreUnavailable as error:
            log().warning(f"cannot postpone a message: {error}", extra={"function": self._function.name})


class _Batch(AsyncBatchProcessor):
    """Powertools' processor, run by the loop that already runs."""

    def __init__(self) -> None:
        super().__init__(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    async def run(self) -> None:
        await asyncio.gather(*(self._async_process_record(record) for record in self.records))


def _attempts(record: SQSRecord) -> int:
    """How often the message was received, this time included."""
    count = str(record.attributes.get("ApproximateReceiveCount") or "1")
    return int(count) if count.isdigit() else 1
