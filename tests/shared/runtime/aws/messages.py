"""What Lambda is invoked with, as AWS writes it."""

from typing import Any

REGION = "eu-central-1"


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:123456789012:{name}"


def message(body: bytes | str, message_id: str = "m1", received: int = 1, queue: str = "parse", **more: str) -> Any:
    """One record of a batch."""
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt-{message_id}",
        "body": body if isinstance(body, str) else body.decode(),
        "attributes": {"ApproximateReceiveCount": str(received), "SentTimestamp": "1", "SenderId": "A", **more},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn(queue),
        "awsRegion": REGION,
    }


def batch(*messages: Any) -> Any:
    return {"Records": list(messages)}


def bridged(detail: Any, detail_type: str = "an event", source: str = "/functions/upload") -> Any:
    """EventBridge's envelope."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": detail_type,
        "source": source,
        "account": "123456789012",
        "time": "2026-11-22T12:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": detail,
    }


def object_created(*keys: str, name: str = "ObjectCreated:Put") -> Any:
    """S3's own notification; keys stand in it url-encoded."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": REGION,
                "eventTime": "2026-11-22T12:00:00Z",
                "eventName": name,
                "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "aegis"}, "object": {"key": key, "size": 1}},
            }
            for key in keys
        ]
    }


def request(method: str, path: str, body: str | None = None, key: str | None = None, **more: Any) -> Any:
    """API Gateway's second version, which function URLs send too."""
    headers = {"host": "example.org", "content-type": "application/json", "x-request-id": "label-0001"}
    if key:
        headers["authorization"] = f"Bearer {key}"
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": more.pop("query", ""),
        "headers": headers,
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "203.0.113.9", "protocol": "HTTP/1.1"},
            "stage": more.pop("stage", "$default"),
        },
        "body": body,
        "isBase64Encoded": False,
        **more,
    }


class Context:
    """Lambda's, as far as it is used."""

    aws_request_id = "00000000-0000-0000-0000-000000000001"

    def __init__(self, seconds: float = 60) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return round(self._seconds * 1000)
