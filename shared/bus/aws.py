"""Sends events to an EventBridge bus or an SQS queue.

boto3 is imported with the first event that is sent.
"""

import asyncio
import re
from functools import cache
from secrets import token_hex
from typing import Any

from events.envelope import CloudEvent
from shared.types.errors import StoreUnavailable

_BUS = re.compile(r"arn:aws[\w-]*:events:(?P<region>[\w-]+):\d*:event-bus/(?P<name>.+)")
_QUEUE = re.compile(r"arn:aws[\w-]*:sqs:(?P<region>[\w-]+):(?P<account>\d*):(?P<name>[\w.-]+)")
_QUEUE_URL = re.compile(
    r"https://(sqs\.(?P<region>[\w-]+)|(?P<older>[\w-]+)\.queue)\.amazonaws\.com(\.cn)?/\d+/[\w.-]+"
)
_TIMEOUT_S = 5


def is_aws(address: str) -> bool:
    """Whether the address names an EventBridge bus (ARN) or an SQS queue (ARN or URL)."""
    return is_queue(address) or _BUS.fullmatch(address) is not None


def is_queue(address: str) -> bool:
    return bool(_QUEUE.fullmatch(address) or _QUEUE_URL.fullmatch(address))


class AwsSink:
    """Sends to one bus or queue, by its address."""

    def __init__(self, address: str) -> None:
        if not is_aws(address):
            raise ValueError(f"{address!r} is neither the ARN of an event bus nor the ARN or URL of a queue")
        self._address = address

    async def put(self, event: CloudEvent, body: bytes) -> None:
        """Sends `body`, the event in its structured form. Raises `StoreUnavailable` unless AWS has accepted it."""
        send = self._enqueue if is_queue(self._address) else self._put_event
        await _call(send, event, body.decode())

    async def close(self) -> None:
        """Does nothing: the clients are shared by the process."""

    def _put_event(self, event: CloudEvent, body: str) -> None:
        bus = _BUS.fullmatch(self._address)
        assert bus is not None
        entry = {"EventBusName": self._address, "Source": event.source, "DetailType": event.type, "Detail": body}
        answer = client("events", bus["region"]).put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            refused = answer["Entries"][0]
            raise StoreUnavailable("bus", f"EventBridge refused the event ({refused.get('ErrorCode', 'no reason')})")

    def _enqueue(self, event: CloudEvent, body: str) -> None:
        message: dict[str, Any] = {"QueueUrl": queue_url(self._address), "MessageBody": body}
        if self._address.endswith(".fifo"):  # a document's events in order; the stages ignore duplicates
            message["MessageGroupId"] = event.subject or event.type
            # A new id for each call: an outcome that is published again must not be dropped as a duplicate.
            message["MessageDeduplicationId"] = f"{event.id[:80]}-{token_hex(8)}"
        client("sqs", queue_region(self._address)).send_message(**message)


async def change_visibility(queue_arn: str, receipt_handle: str, after_s: int) -> None:
    """Lets a received message be received again after `after_s` seconds. Raises `StoreUnavailable`."""

    def change() -> None:
        client("sqs", queue_region(queue_arn)).change_message_visibility(
            QueueUrl=queue_url(queue_arn), ReceiptHandle=receipt_handle, VisibilityTimeout=after_s
        )

    await _call(change)


def queue_region(address: str) -> str:
    if found := _QUEUE.fullmatch(address):
        return found["region"]
    found = _QUEUE_URL.fullmatch(address)
    assert found is not None
    return found["region"] or found["older"]


@cache
def queue_url(address: str) -> str:
    """A queue's URL by its ARN or URL; resolved once."""
    found = _QUEUE.fullmatch(address)
    if found is None:
        return address
    owner = {"QueueOwnerAWSAccountId": found["account"]} if found["account"] else {}
    url: str = client("sqs", found["region"]).get_queue_url(QueueName=found["name"], **owner)["QueueUrl"]
    return url


@cache
def client(service: str, region: str) -> Any:
    """boto3's client; safe to use from several threads."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=1, read_timeout=_TIMEOUT_S, retries={"mode": "standard", "total_max_attempts": 2})
    return boto3.Session().client(service, region_name=region, config=config)


async def _call(function: Any, *arguments: Any) -> None:
    """Runs a blocking call of boto3 in a thread, and raises its errors as `StoreUnavailable`."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        await asyncio.to_thread(function, *arguments)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise StoreUnavailable("bus", f"AWS refused the event ({code})") from error
    except BotoCoreError as error:
        raise StoreUnavailable("bus", f"AWS does not answer ({type(error).__name__})") from error
