"""Types that handlers take and return besides plain structs, free of any web framework.

An answer with another status than 200 says so in its class variable `http_status`; None is 204.
"""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct


class SpooledFile(Struct, frozen=True):
    """An uploaded file, already on disk: `head` is its first 64 KiB, `content_hash` the SHA-256 in hex."""

    path: Path
    filename: str
    media_type: str
    size: int
    content_hash: str
    head: bytes


class SpooledBody(Struct, frozen=True):
    """A message that is the request's body itself, already on disk: for bodies that are too long to be held."""

    media_types: ClassVar[tuple[str, ...]]

    path: Path
    size: int
    content_hash: str


class RawRequest(Struct, frozen=True):
    """A message that the route does not decode: the body, which is JSON, and the headers, named in lower case.
    `content` is the type that describes the body."""

    content: ClassVar[type[Struct]]

    body: bytes
    headers: Mapping[str, str]


class EmptyAnswer(Struct, frozen=True):
    """An answer without a body."""

    http_status: ClassVar[int] = 202


class ServerSentEvent(Struct, frozen=True):
    """`data` becomes JSON; `id` lets a client go on where it was cut off. `event` is empty in streams without names."""

    event: str
    data: Any
    id: str = ""


class EventStream(Struct, frozen=True):
    """An answer as Server-Sent Events; a failure in it becomes its last event, `error`. One that is not `named` is
    written as OpenAI does: nothing but data, `[DONE]` at a good end, an object with `error` at a bad one."""

    events: AsyncIterator[ServerSentEvent]
    named: bool = True


class Content(Struct, frozen=True):
    """Bytes as they are. With `filename` a browser saves instead of showing."""

    body: bytes | AsyncIterator[bytes]
    media_type: str
    filename: str | None = None
    length: int | None = None


class Paged(Struct, frozen=True):
    """Base of lists; `next_cursor` also becomes the `Link` header."""

    next_cursor: str | None
