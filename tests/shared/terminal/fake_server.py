"""A server that answers as the contract says, as each test arranges it, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def parts(self) -> dict[str, tuple[str | None, bytes]]:
        """Multipart fields: file name, where there is one, and bytes."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        whole = BytesParser(policy=HTTP).parsebytes(head + self.body)
        return {
            str(part.get_param("name", header="content-disposition")): (
                part.get_filename(),
                bytes(part.get_payload(decode=True) or b""),
            )
            for part in whole.iter_parts()
        }


@dataclass
class Answer:
    """`pieces` are sent one by one, without a length; `drop` ends the connection before its end, `hold` keeps it."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Iterable[bytes] | None = None
    drop: bool = False
    hold: threading.Event | None = None


Make = Callable[[Asked], Answer]


def problem(status: int, slug: str, title: str, detail: str = "", **more: Any) -> dict[str, Any]:
    fields = {"type": f"/problems/{slug}", "title": title, "status": status, "detail": detail}
    return {**fields, "request_id": "req_of_the_server", **more}


def stream(*events: tuple[str, Any]) -> Answer:
    """Server-sent events with ids 1, 2, 3 …"""
    pieces = [
        f"id: {n}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode() for n, (name, data) in enumerate(events, 1)
    ]
    return Answer(headers={"Content-Type": "text/event-stream"}, pieces=pieces)


def document(document_id: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "document_id": document_id,
        "status": status,
        "title": "A title",
        "filename": "a.md",
        "reason": None,
        **more,
    }


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is what some tests are about."""


class FakeServer:
    """Answers in the order they were arranged for a route; the last one stays."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: dict[tuple[str, str], list[Answer | Make]] = {}
        self._lock = threading.Lock()
        self._http = _Quiet(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.on("GET", "/health", Answer(body={"status": "ok", "version": "1"}))

    def on(self, method: str, path: str, *answers: Answer | Make) -> None:
        self._answers[method, path] = list(answers)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def requests(self, method: str, path: str) -> list[Asked]:
        return [asked for asked in self.asked if (asked.method, asked.path) == (method, path)]

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            arranged = self._answers.get((asked.method, asked.path))
            if not arranged:
                return Answer(404, problem(404, "not-found", "There is nothing here", asked.path))
            found = arranged.pop(0) if len(arranged) > 1 else arranged[0]
        return found if isinstance(found, Answer) else found(asked)


def _handler(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _any(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            asked = Asked(self.command, address.path, query, self.headers, self._body())
            answer = server.answer(asked)
            if answer.hold is not None and answer.pieces is None:
                answer.hold.wait(20)
            if answer.drop and answer.pieces is None:
                self.close_connection = True
                return
            self._send(answer)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding") == "chunked":
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body
            return self.rfile.read(int(self.headers.get("content-length") or 0))

        def _send(self, answer: Answer) -> None:
            whole = answer.body if isinstance(answer.body, bytes) else b""
            if answer.body is not None and not isinstance(answer.body, bytes):
                whole = json.dumps(answer.body).encode()
            kind = "application/problem+json" if answer.status >= 400 else "application/json"
            self.send_response(answer.status)
            for name, value in {"Content-Type": kind, **answer.headers}.items():
                self.send_header(name, value)
            if answer.pieces is None:
                self.send_header("Content-Length", str(len(whole)))
                self.end_headers()
                self.wfile.write(whole)
            else:
                self._stream(answer, answer.pieces)

        def _stream(self, answer: Answer, pieces: Iterable[bytes]) -> None:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for piece in pieces:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.flush()
                if answer.hold is not None:
                    answer.hold.wait(20)
                if answer.drop:
                    self.close_connection = True
                else:
                    self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler
