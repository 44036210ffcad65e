"""HTTP/1.1 on a connection, by uvicorn and httptools."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.runtime.http.exchange import API_VERSION
from shared.runtime.http.problems import render_problem
from shared.types.errors import InvalidRequest
from shared.types.tracing import new_request_id


class HttpProtocol(HttpToolsProtocol):
    """Answers bytes that are no HTTP, which reach no route, with a problem and an id as every other request."""

    def send_400_response(self, msg: str) -> None:
        request_id = new_request_id()
        problem = render_problem(
            InvalidRequest("The bytes are no HTTP/1.1, or name an unknown method."), "/", request_id
        )
        headers = {
            **problem.headers,
            "Content-Type": problem.media_type,
            "Content-Length": str(len(problem.body)),
            "Connection": "close",
            "X-Request-ID": request_id,
            "Aegis-Version": API_VERSION,
            "X-RateLimit-Limit": "unlimited",
        }
        lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers.items())
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n" + lines.encode() + b"\r\n" + problem.body)
        self.transport.close()
