"""The HTTP client of the commands: credentials, time-outs, problems and streams.

httpx and asyncio are imported at the first request: help and completion do not wait for them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec
from msgspec import Struct

from shared.terminal.connection import Connection, is_local, start_hint
from shared.terminal.errors import (
    CommandError,
    ExitCode,
    Interrupted,
    RequestNotSent,
    RequestRefused,
    Unreachable,
)
from shared.terminal.output import safe_line
from shared.terminal.sse import Decoder, ServerEvent

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

ANSWER_SECONDS = 60.0
ASK_SECONDS = 600.0
# The server sends a comment every 15 s: after four missing ones it is regarded as gone.
STREAM_SECONDS = 60.0

# Amounts are exact: they are decoded as decimals.
_DECODER = msgspec.json.Decoder(Any, float_hook=Decimal)


class _FieldError(Struct):
    pointer: str = ""
    detail: str = ""


class ServerProblem(Struct):
    """`application/problem+json`; every field may be missing, as another program may have answered."""

    type: str = ""
    title: str = ""
    status: int = 0
    detail: str = ""
    request_id: str = ""
    errors: list[_FieldError] = []


class ServerClient:
    """A client of one server with one credential."""

    def __init__(self, connection: Connection, *, connections: int = 10) -> None:
        import httpx

        self.connection = connection
        self._http = httpx.AsyncClient(
            base_url=connection.url,
            headers={"Authorization": f"Bearer {connection.credential}", "User-Agent": "aegis"},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=10.0, pool=None),
            limits=httpx.Limits(max_connections=connections),
            # A proxy of the environment is for other machines, not for this one.
            trust_env=not is_local(connection.url),
            verify=tls_verification(connection.url),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: dict[str, Any] | None = None,
        form: dict[str, str] | None = None,
        files: Any = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        seconds: float = ANSWER_SECONDS,
    ) -> "httpx.Response":
        """Returns the complete response. Raises `RequestRefused` for a status from 400 on, else `Unreachable`."""
        with transport_errors(self.connection):
            response = await self._http.request(
                method,
                path,
                json=json,
                params=params,
                data=form,
                files=files,
                content=content,
                headers=headers,
                timeout=self._timeout(seconds),
            )
        if not response.is_success:
            raise refusal_from(self.connection, response)
        return response

    async def post_bytes(self, path: str, body: bytes, headers: dict[str, str]) -> "httpx.Response":
        """Returns the complete response to a JSON body, whatever its status. Raises `Unreachable`."""
        with transport_errors(self.connection):
            return await self._http.post(path, content=body, headers=headers, timeout=self._timeout(ASK_SECONDS))

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, json: Any = None, last_id: str = ""
    ) -> AsyncIterator[AsyncIterator[ServerEvent]]:
        """Yields events as they come. Raises as `send`, also while they are read."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        with transport_errors(self.connection):
            async with self._http.stream(
                method, path, json=json, headers=headers, timeout=self._timeout(STREAM_SECONDS)
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise refusal_from(self.connection, response)
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    raise foreign_answer(self.connection)
                decoder = Decoder(last_id)
                yield (event async for chunk in response.aiter_bytes() for event in decoder.feed(chunk))

    @asynccontextmanager
    async def download(self, path: str, params: dict[str, Any]) -> AsyncIterator[AsyncIterator[bytes]]:
        """Yields a body in pieces. Raises as `send`, also while they are read."""
        with transport_errors(self.connection):
            async with self._http.stream("GET", path, params=params, timeout=self._timeout(STREAM_SECONDS)) as response:
                if not response.is_success:
                    await response.aread()
                    raise refusal_from(self.connection, response)
                yield response.aiter_bytes()

    def _timeout(self, seconds: float) -> "httpx.Timeout":
        import httpx

        return httpx.Timeout(seconds, connect=10.0, pool=None)


def tls_verification(url: str) -> "bool | SSLContext":
    """The certificates to trust. Loading them all takes longer than a call on this machine, which needs none."""
    if not (is_local(url) and url.startswith("http:")):
        return True
    from ssl import PROTOCOL_TLS_CLIENT, SSLContext

    return SSLContext(PROTOCOL_TLS_CLIENT)


@contextmanager
def transport_errors(connection: Connection) -> Iterator[None]:
    """Translates transport errors to command errors."""
    import httpx

    hint = "what to do: check AEGIS_URL and that the server runs"
    if connection.folder:
        hint = start_hint(connection.folder)
    try:
        yield
    except httpx.ConnectError as error:
        raise Unreachable(f"no server answers at {connection.url}: {safe_line(error)}", hint) from error
    except httpx.TimeoutException as error:
        raise Unreachable(f"the server at {connection.url} did not answer in time", hint) from error
    except httpx.LocalProtocolError as error:
        raise RequestNotSent(f"the request could not be sent: {safe_line(error)}") from error
    except httpx.TransportError as error:
        raise Unreachable(f"the connection to {connection.url} broke: {safe_line(error)}", hint) from error
    except httpx.DecodingError as error:
        raise foreign_answer(connection) from error


def refusal_from(connection: Connection, response: "httpx.Response") -> RequestRefused:
    """The error for a response: of the problem that it contains, or of its text."""
    try:
        problem = msgspec.json.decode(response.content, type=ServerProblem, strict=False)
    except msgspec.MsgspecError:
        problem = ServerProblem(detail=response.text[:300])
    problem.status = response.status_code
    problem.request_id = problem.request_id or response.headers.get("x-request-id", "")
    return refused(connection, problem, retry_after(response))


def refused(connection: Connection, problem: ServerProblem, wait: float | None = None) -> RequestRefused:
    """The error for a problem, line by line."""
    title = problem.title or _phrase(problem.status)
    lines = [f"{safe_line(title)}: {safe_line(problem.detail)}" if problem.detail else safe_line(title)]
    lines += [f"  {safe_line(error.pointer)}: {safe_line(error.detail)}" for error in problem.errors]
    if wait is not None:
        lines.append(f"try again in {wait:.0f} s")
    if problem.type and problem.type != "about:blank":
        page = connection.url + problem.type if problem.type.startswith("/") else problem.type
        lines.append(f"what to do: {safe_line(page)}")
    if problem.request_id:
        lines.append(f"request: {safe_line(problem.request_id)}")
    slug = problem.type.rpartition("/")[2] or str(problem.status)
    return RequestRefused(problem.status, slug, problem.detail or title, *lines, retry_after=wait)


def _phrase(status: int) -> str:
    from http import HTTPStatus

    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"


def retry_after(response: "httpx.Response") -> float | None:
    """The seconds of the header, which contains seconds or a date."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def foreign_answer(connection: Connection) -> CommandError:
    """The error for a response that is not from an AegisRAG server."""
    return CommandError(
        ExitCode.FAILED, f"{connection.url} does not answer as an AegisRAG server does", "what to do: check AEGIS_URL"
    )


def json_body(connection: Connection, response: "httpx.Response") -> Any:
    """The JSON of a response, with amounts as `Decimal`."""
    try:
        return _DECODER.decode(response.content)
    except msgspec.MsgspecError as error:
        raise foreign_answer(connection) from error


def convert_to(connection: Connection, value: Any, kind: type[S]) -> S:
    """Converts a response to a struct; fields that a newer server adds are ignored."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise foreign_answer(connection) from error


def items_of(connection: Connection, found: dict[str, Any], kind: type[S]) -> list[S]:
    """The items of a list as structs."""
    return [convert_to(connection, item, kind) for item in found["items"]]


def event_json(connection: Connection, event: ServerEvent) -> Any:
    try:
        return _DECODER.decode(event.data)
    except msgspec.MsgspecError as error:
        raise foreign_answer(connection) from error


def with_server(connection: Connection, work: Callable[[ServerClient], Awaitable[T]], *, connections: int = 10) -> T:
    """Runs `work` with a client. Raises `Interrupted` on Ctrl-C."""
    import asyncio

    async def run() -> T:
        async with ServerClient(connection, connections=connections) as server:
            return await work(server)

    try:
        return asyncio.run(run())
    except KeyboardInterrupt:
        raise Interrupted() from None


async def run_at_once(count: int, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Runs `work` so many times at once and waits for all. Raises the first failure, which ends the others."""
    from asyncio import TaskGroup

    try:
        async with TaskGroup() as group:
            for _ in range(count):
                group.create_task(work())
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


def call(connection: Connection, method: str, path: str, **request: Any) -> Any:
    """Sends one request and returns the JSON of its response, or None for an empty body."""

    async def once(server: ServerClient) -> Any:
        response = await server.send(method, path, **request)
        return json_body(connection, response) if response.content else None

    return with_server(connection, once)


def list_items(
    connection: Connection, path: str, limit: int, cursor: str | None = None, params: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The first `limit` items of a list, from as many pages as needed, and the cursor of the rest."""

    async def pages(server: ServerClient) -> dict[str, Any]:
        items: list[Any] = []
        following = cursor
        while len(items) < limit:
            query = {**(params or {}), "limit": min(100, limit - len(items))}
            if following:
                query["cursor"] = following
            response = await server.send("GET", path, params=query)
            page = convert_to(connection, json_body(connection, response), _Page)
            items += page.items
            following = page.next_cursor
            if not following:
                break
        return {"items": items, "next_cursor": following}

    return with_server(connection, pages)


class _Page(Struct):
    items: list[Any]
    next_cursor: str | None = None
