"""Speaks to a server: one place for credentials, time-outs, problems and streams.

httpx and asyncio are imported when a server is first spoken to: help and completion do not wait for them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec
from msgspec import Struct

from shared.terminal.failure import Exit, Failure, Interrupted, Refused, Unreachable, Unsendable
from shared.terminal.place import Place, how_to_start, is_local
from shared.terminal.render import line
from shared.terminal.sse import Decoder, ServerEvent

if TYPE_CHECKING:
    from ssl import SSLContext

    import httpx

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

ANSWER_SECONDS = 60.0
ASK_SECONDS = 600.0
# The server sends a comment every 15 s: four that did not come mean that nobody is there.
STREAM_SECONDS = 60.0

# Amounts are exact: they are read as they are written.
_DECODER = msgspec.json.Decoder(Any, float_hook=Decimal)


class _FieldError(Struct):
    pointer: str = ""
    detail: str = ""


class ServerProblem(Struct):
    """`application/problem+json`; every field may be missing where something else answered."""

    type: str = ""
    title: str = ""
    status: int = 0
    detail: str = ""
    request_id: str = ""
    errors: list[_FieldError] = []


class ServerClient:
    """One server, spoken to with one credential."""

    def __init__(self, place: Place, *, connections: int = 10) -> None:
        import httpx

        self.place = place
        self._http = httpx.AsyncClient(
            base_url=place.url,
            headers={"Authorization": f"Bearer {place.credential}", "User-Agent": "aegis"},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=10.0, pool=None),
            limits=httpx.Limits(max_connections=connections),
            # A proxy of the environment is for the world outside, not for this machine.
            trust_env=not is_local(place.url),
            verify=trust(place.url),
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
        seconds: float = ANSWER_SECONDS,
    ) -> "httpx.Response":
        """The whole answer. Raises `Refused` from 400 on, `Unreachable` when none came."""
        with reaching(self.place):
            response = await self._http.request(
                method, path, json=json, params=params, data=form, files=files, timeout=self._timeout(seconds)
            )
        if not response.is_success:
            raise refusal(self.place, response)
        return response

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, json: Any = None, last_id: str = ""
    ) -> AsyncIterator[AsyncIterator[ServerEvent]]:
        """Events as they come. Raises as `send`, also while they are read."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        with reaching(self.place):
            async with self._http.stream(
                method, path, json=json, headers=headers, timeout=self._timeout(STREAM_SECONDS)
            ) as response:
                if not response.is_success:
                    await response.aread()
                    raise refusal(self.place, response)
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    raise stranger(self.place)
                yield _events(response, Decoder(last_id))

    def _timeout(self, seconds: float) -> "httpx.Timeout":
        import httpx

        return httpx.Timeout(seconds, connect=10.0, pool=None)


def trust(url: str) -> "bool | SSLContext":
    """Whose certificates count. Reading them all takes longer than a call on this machine, which needs none."""
    if not (is_local(url) and url.startswith("http:")):
        return True
    from ssl import PROTOCOL_TLS_CLIENT, SSLContext

    return SSLContext(PROTOCOL_TLS_CLIENT)


async def _events(response: "httpx.Response", decoder: Decoder) -> AsyncIterator[ServerEvent]:
    async for chunk in response.aiter_bytes():
        for event in decoder.feed(chunk):
            yield event


@contextmanager
def reaching(place: Place) -> Iterator[None]:
    """Says of a transport's error what it means to whoever typed the command."""
    import httpx

    try:
        yield
    except httpx.ConnectError as error:
        raise Unreachable(f"no server answers at {place.url}: {line(error)}", _how_to_reach(place)) from error
    except httpx.TimeoutException as error:
        raise Unreachable(f"the server at {place.url} did not answer in time", _how_to_reach(place)) from error
    except httpx.LocalProtocolError as error:
        raise Unsendable(f"the request could not be sent: {line(error)}") from error
    except httpx.TransportError as error:
        raise Unreachable(f"the connection to {place.url} broke: {line(error)}", _how_to_reach(place)) from error
    except httpx.DecodingError as error:
        raise stranger(place) from error


def _how_to_reach(place: Place) -> str:
    return how_to_start(place.folder) if place.folder else "what to do: check AEGIS_URL and that the server runs"


def refusal(place: Place, response: "httpx.Response") -> Refused:
    """The server's problem with what to do; of another program's answer what can be said."""
    try:
        problem = msgspec.json.decode(response.content, type=ServerProblem, strict=False)
    except msgspec.MsgspecError:
        problem = ServerProblem(detail=response.text[:300])
    problem.status = response.status_code
    problem.request_id = problem.request_id or response.headers.get("x-request-id", "")
    return refused(place, problem, retry_after(response))


def refused(place: Place, problem: ServerProblem, wait: float | None = None) -> Refused:
    """What a problem tells, line by line."""
    title = problem.title or _phrase(problem.status)
    told = [f"{line(title)}: {line(problem.detail)}" if problem.detail else line(title)]
    told += [f"  {line(error.pointer)}: {line(error.detail)}" for error in problem.errors]
    if wait is not None:
        told.append(f"try again in {wait:.0f} s")
    if problem.type and problem.type != "about:blank":
        told.append(f"what to do: {line(_address(place, problem.type))}")
    if problem.request_id:
        told.append(f"request: {line(problem.request_id)}")
    slug = problem.type.rpartition("/")[2] or str(problem.status)
    return Refused(problem.status, slug, problem.detail or title, *told, retry_after=wait)


def _address(place: Place, kind: str) -> str:
    return place.url + kind if kind.startswith("/") else kind


def _phrase(status: int) -> str:
    from http import HTTPStatus

    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"status {status}"


def retry_after(response: "httpx.Response") -> float | None:
    """Seconds; the header holds seconds or a date."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def stranger(place: Place) -> Failure:
    """Something answered that does not speak as our servers do."""
    return Failure(
        Exit.FAILED, f"{place.url} does not answer as an AegisRAG server does", "what to do: check AEGIS_URL"
    )


def body(place: Place, response: "httpx.Response") -> Any:
    """The answer's JSON, amounts as `Decimal`."""
    try:
        return _DECODER.decode(response.content)
    except msgspec.MsgspecError as error:
        raise stranger(place) from error


def shaped(place: Place, value: Any, kind: type[S]) -> S:
    """The fields that are to be shown; what a newer server adds is passed over."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise stranger(place) from error


def event_body(place: Place, event: ServerEvent) -> Any:
    try:
        return _DECODER.decode(event.data)
    except msgspec.MsgspecError as error:
        raise stranger(place) from error


def speak(place: Place, work: Callable[[ServerClient], Awaitable[T]], *, connections: int = 10) -> T:
    """Runs the work of a command against its server; Ctrl-C ends it as `Interrupted`."""

    async def working() -> T:
        async with ServerClient(place, connections=connections) as server:
            return await work(server)

    return until_interrupted(working())


def until_interrupted(work: Coroutine[Any, Any, T]) -> T:
    import asyncio

    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise Interrupted() from None


def call(place: Place, method: str, path: str, **request: Any) -> Any:
    """One question, one answer: its JSON, or None where the answer has no body."""

    async def once(server: ServerClient) -> Any:
        response = await server.send(method, path, **request)
        return body(place, response) if response.content else None

    return speak(place, once)


def listed(
    place: Place, path: str, limit: int, cursor: str | None = None, params: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The first `limit` items over as many pages as they take, and where the next would start."""

    async def pages(server: ServerClient) -> dict[str, Any]:
        items: list[Any] = []
        following = cursor
        while len(items) < limit:
            about = {"limit": min(100, limit - len(items))} | ({"cursor": following} if following else {})
            page = shaped(place, body(place, await server.send("GET", path, params={**(params or {}), **about})), _Page)
            items += page.items
            following = page.next_cursor
            if not following:
                break
        return {"items": items, "next_cursor": following}

    return speak(place, pages)


class _Page(Struct):
    items: list[Any]
    next_cursor: str | None = None
