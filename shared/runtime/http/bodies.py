"""Reads the bodies of requests into messages: JSON, forms, files, and CloudEvents from outside."""

import asyncio
from collections.abc import AsyncIterator

from msgspec import Struct

from events.envelope import CloudEvent, MalformedEventError
from shared.runtime.http import requests
from shared.runtime.http.exchange import Exchange
from shared.runtime.wiring.settings import Settings
from shared.types.errors import InvalidRequest, TooLarge, UnsupportedMediaType
from shared.types.http import RawRequest, SpooledBody, SpooledFile

_LARGEST_JSON = 1 << 20
_DECODED_ON_LOOP = 16 << 10
"""Bytes of a body that are decoded within a millisecond; a longer one is decoded in a thread."""


class IncomingBody:
    """The body of one request, read once."""

    def __init__(self, stream: AsyncIterator[bytes], exchange: Exchange, settings: Settings) -> None:
        self._stream = stream
        self._exchange = exchange
        self._settings = settings

    async def message(self, kind: type[Struct], path: dict[str, str], file_field: str) -> Struct:
        """The message of the handler. Raises `TooLarge`, `UnsupportedMediaType` and `InvalidRequest`."""
        if file_field:
            return await self._form(kind, path, file_field)
        if issubclass(kind, SpooledBody):
            return await self._spooled(kind)
        if kind.__annotations__.get("event") is CloudEvent:
            return await self._event(kind)
        body = await self._whole(getattr(kind, "largest_body", _LARGEST_JSON))
        content_type = self._exchange.headers.get("content-type", "")
        if issubclass(kind, RawRequest):
            requests.require_json(content_type)
            return kind(body, self._exchange.headers)
        arguments = kind, path, content_type, body
        if len(body) <= _DECODED_ON_LOOP:
            return requests.from_json(*arguments)
        return await asyncio.to_thread(requests.from_json, *arguments)

    async def _event(self, kind: type[Struct]) -> Struct:
        """A CloudEvent from outside; it may hold the document's bytes."""
        from shared.runtime.events.cloudevents import is_readable, read
        from shared.runtime.http.event_body import LARGEST_EVENT, EventBody

        if not is_readable(self._exchange.headers):
            raise UnsupportedMediaType(
                "Send one CloudEvent: as `application/cloudevents+json`, or JSON and `ce-` headers."
            )
        settings = self._settings
        self._check_length(settings.max_upload_bytes * 16 // 9 + LARGEST_EVENT)  # it may be in base64 twice
        body = EventBody(settings.spool, settings.max_upload_bytes)
        try:
            async for chunk in self._stream:
                await asyncio.to_thread(body.take, chunk)
            event, _ = await asyncio.to_thread(read, self._exchange.headers, body.json)
            return kind(event=event, content=body.content())
        except MalformedEventError as error:
            body.discard()
            raise InvalidRequest(f"The CloudEvent cannot be read: {error}.") from None
        except BaseException:
            body.discard()
            raise

    async def _spooled(self, kind: type[SpooledBody]) -> SpooledBody:
        from shared.intake.spool import SpoolWriter

        if requests.media_type_of(self._exchange.headers.get("content-type", "")) not in kind.media_types:
            raise UnsupportedMediaType(f"Send the body with `Content-Type: {kind.media_types[0]}`.")
        settings = self._settings
        self._check_length(settings.max_upload_bytes)
        writer = await asyncio.to_thread(SpoolWriter, settings.spool, settings.max_upload_bytes)
        try:
            async for chunk in self._stream:
                await asyncio.to_thread(writer.write, chunk)
            file = await asyncio.to_thread(writer.finish)
        except BaseException:
            writer.discard()
            raise
        return kind(path=file.path, size=file.size, content_hash=file.content_hash)

    async def _form(self, kind: type[Struct], path: dict[str, str], file_field: str) -> Struct:
        from shared.runtime.http.forms import receive

        settings = self._settings
        self._check_length(settings.max_upload_bytes + _LARGEST_JSON)
        content_type = self._exchange.headers.get("content-type", "")
        form = await receive(content_type, self._stream, settings.spool, settings.max_upload_bytes, file_field)
        if form.file is None:
            raise InvalidRequest(f"The form has no file in its field `{file_field}`.")
        try:
            return requests.from_fields(kind, path, {**form.fields, file_field: form.file})
        except BaseException:
            form.file.path.unlink(missing_ok=True)
            raise

    async def _whole(self, largest: int) -> bytes:
        self._check_length(largest)
        body = bytearray()
        async for chunk in self._stream:
            body += chunk
            if len(body) > largest:
                raise TooLarge(f"The body is larger than the {largest} bytes that this route takes.")
        return bytes(body)

    def _check_length(self, largest: int) -> None:
        length = self._exchange.headers.get("content-length", "")
        if length.isdigit() and int(length) > largest:
            raise TooLarge(f"The body of {length} bytes is larger than what is taken.")


def fingerprint_of(message: Struct) -> str:
    """Equal for a message that comes again with the same idempotency key."""
    from shared.idempotency.calls import fingerprint

    if isinstance(message, RawRequest):
        return fingerprint(message.body)
    if isinstance(message, SpooledBody):
        return fingerprint(message.content_hash.encode())
    parts = [
        (name, value.content_hash + value.filename if isinstance(value, SpooledFile) else value)
        for name, value in ((name, getattr(message, name)) for name in message.__struct_fields__)
    ]
    return fingerprint(repr(parts).encode())


def discard(message: Struct) -> None:
    """Removes a spooled file that the handler did not take over."""
    if isinstance(message, SpooledBody):
        message.path.unlink(missing_ok=True)
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if isinstance(value, SpooledFile):
            value.path.unlink(missing_ok=True)
