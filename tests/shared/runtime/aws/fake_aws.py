"""SQS and EventBridge as boto3 sees them on the wire, that records their calls."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeAws:
    """Answers on 127.0.0.1. `calls` are (action, what it was called with); `refusing` names actions that fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refusing: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def of(self, action: str) -> list[dict[str, Any]]:
        return [call for name, call in self.calls if name == action]

    def forget(self) -> None:
        self.calls.clear()
        self.refusing.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, action: str, call: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.calls.append((action, call))
        if action == "PutEvents":
            return 200, self._put(call["Entries"])
        if action in self.refusing:
            return 400, {"__type": "com.amazonaws.sqs#OverLimit", "message": "no"}
        if action == "GetQueueUrl":
            return 200, {"QueueUrl": f"{self.url}/123456789012/{call['QueueName']}"}
        if action == "SendMessage":
            digest = hashlib.md5(call["MessageBody"].encode(), usedforsecurity=False).hexdigest()
            return 200, {"MessageId": "m", "MD5OfMessageBody": digest}
        return 200, {}

    def _put(self, entries: list[Any]) -> dict[str, Any]:
        """EventBridge says 200 and in it that it took nothing."""
        if "PutEvents" in self.refusing:
            return {"FailedEntryCount": len(entries), "Entries": [{"ErrorCode": "ThrottlingException"}]}
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in entries]}


def _handler(aws: FakeAws) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            action = self.headers["X-Amz-Target"].rpartition(".")[2]
            status, answer = aws.answer(action, json.loads(body))
            sent = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Tests are quiet."""

    return Handler
