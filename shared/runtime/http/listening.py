"""A socket and the HTTP server on it."""

import asyncio
import contextlib
import resource
import socket
import sys
from collections.abc import Iterator

import uvicorn

from shared.runtime.http.connection_limits import DEFAULT_LIMITS, ConnectionLimits
from shared.runtime.http.exchange import Asgi
from shared.runtime.http.open_connections import OpenConnections
from shared.runtime.http.readers import ReaderProtocol
from shared.types.errors import AegisError

GRACE_S = 20
"""How long calls in flight may take to end once the process is to stop."""
LAST_S = 24
"""When the process ends at the latest, whatever its threads still do."""

_SWITCH_S = 0.001
"""When a thread that computes leaves the interpreter to the loop, which asks for it several times for each call."""

_LEAST_BACKLOG, _MOST_BACKLOG = 16, 2048
"""Connections that wait to be accepted: all of them may be in one turn of the loop, before the first can be refused."""


class PortTaken(AegisError):
    """Another process listens on the port."""


@contextlib.contextmanager
def listen(host: str, port: int) -> Iterator[socket.socket]:
    """Raises `PortTaken`."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror}. Choose another port.") from None
    with listener:
        yield listener


class HttpServer(uvicorn.Server):
    """A server without signal handlers of its own: the process ends more than the server."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def http_server(app: Asgi, limits: ConnectionLimits = DEFAULT_LIMITS) -> HttpServer:
    """A server whose connections leave file descriptors for what their requests need."""
    sys.setswitchinterval(_SWITCH_S)
    limits = limits.fitted(_open_files())
    shortest_s = min(limits.header_s, limits.body_window_s)

    class Protocol(ReaderProtocol):
        open_connections = OpenConnections(limits.per_address, limits.total, shortest_s)

    Protocol.limits = limits
    return HttpServer(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            backlog=max(_LEAST_BACKLOG, min(_MOST_BACKLOG, limits.total // 2)),
            timeout_keep_alive=limits.idle_s,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )


def _open_files() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


async def started(server: HttpServer, serving: "asyncio.Task[None]") -> None:
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
