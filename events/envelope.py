"""CloudEvents 1.0: wraps messages in signed envelopes that a broker may re-encode and nobody may alter."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from events import DOCUMENT_EVENTS, Message
from events.clock import ClockTicked
from events.document import DocumentEvent, Origin

SIGNED = ("specversion", "type", "source", "id", "subject", "aegistenant", "route", "epoch")
ATTRIBUTES = ("type", "origin", "tenant_id")
"""Fields of our messages that travel as attributes, not in the data."""
DATA_BASE64 = "data_base64"
_REQUIRED = ("specversion", "id", "source", "type")
TICKS = frozenset({ClockTicked.type_name(), "dev.knative.sources.ping"})


class MalformedEventError(ValueError):
    """Not a CloudEvent of a known type and shape."""


class WrongSignatureError(ValueError):
    """Not signed by one of our secrets, or altered."""


class CloudEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An event as it travels, in the field names of its JSON form. Attributes are in their string form; `data` is
    decoded JSON."""

    id: str
    source: str
    type: str
    specversion: str = "1.0"
    subject: str = ""
    time: str = ""
    datacontenttype: str = "application/json"
    aegistenant: str = ""
    requestid: str = ""
    traceparent: str = ""
    route: str = ""
    epoch: str = ""
    aegissignature: str = ""
    data: Any = None


class Secrets(Struct, frozen=True):
    """Keys by their id; the first signs, all verify."""

    keys: tuple[tuple[str, bytes], ...]

    @classmethod
    def parse(cls, text: str) -> "Secrets":
        """Reads `kid:secret[,kid:secret]`."""
        pairs = [part.strip().partition(":") for part in text.split(",") if part.strip()]
        if not pairs or any(not kid or len(secret) < 16 for kid, _, secret in pairs):
            raise ValueError("event secrets are `kid:secret[,kid:secret]`, each secret of at least 16 characters")
        return cls(tuple((kid, secret.encode()) for kid, _, secret in pairs))

    def sign(self, event: CloudEvent) -> str:
        kid, secret = self.keys[0]
        return f"v1.{kid}.{_mac(secret, event)}"

    def verify(self, event: CloudEvent) -> None:
        version, _, rest = event.aegissignature.partition(".")
        kid, _, mac = rest.rpartition(".")
        for known, secret in self.keys:
            if version == "v1" and known == kid and hmac.compare_digest(_mac(secret, event).encode(), mac.encode()):
                return
        raise WrongSignatureError("the event is not signed by a secret of this installation")


def _mac(secret: bytes, event: CloudEvent) -> str:
    digest = hmac.new(secret, canonical(event), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def canonical(event: CloudEvent) -> bytes:
    """The signed bytes: one JSON array, keys sorted, no spaces, text as UTF-8."""
    fields = [getattr(event, name) for name in SIGNED]
    text = json.dumps([*fields, event.data], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def wrap(event: Message, source: str, secrets: Secrets) -> CloudEvent:
    """The signed envelope of a message; `source` is the function that publishes it."""
    data = {k: v for k, v in msgspec.to_builtins(event).items() if k not in ATTRIBUTES}
    plain = CloudEvent(
        id=event.event_id,
        source=f"/functions/{source}",
        type=event.type_name(),
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        data=data,
        **event.attributes,
    )
    return msgspec.structs.replace(plain, aegissignature=secrets.sign(plain))


def clock_tick(tick_id: str) -> CloudEvent:
    """A tick of the clock: it has no tenant and no data, and needs no signature."""
    return CloudEvent(id=f"tick_{tick_id}", source="/clock", type=ClockTicked.type_name())


def unwrap(event: CloudEvent, secrets: Secrets) -> DocumentEvent:
    """The message in a verified envelope. Raises `MalformedEventError` or `WrongSignatureError`."""
    known = DOCUMENT_EVENTS.get(event.type)
    if known is None:
        raise MalformedEventError(f"no function knows events of type {event.type!r}")
    if not event.id:
        raise MalformedEventError("the event has no id")
    secrets.verify(event)
    try:
        return msgspec.convert({**event.data, "type": event.type, "origin": _origin(event)}, known)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise MalformedEventError(f"data of {event.type}: {error}") from error


def _origin(event: CloudEvent) -> dict[str, Any]:
    return {
        "tenant_id": event.aegistenant,
        "document_id": event.subject,
        "epoch": int(event.epoch),
        "route": event.route,
        "request_id": event.requestid,
        "traceparent": event.traceparent,
    }


def encode(event: CloudEvent) -> bytes:
    """The structured JSON form."""
    return msgspec.json.encode(to_attributes(event))


def to_attributes(event: CloudEvent) -> dict[str, Any]:
    """Attributes and data. Empty attributes are left out, except those that every CloudEvent requires."""
    required = {"specversion": event.specversion, "datacontenttype": event.datacontenttype}
    return {**required, **msgspec.to_builtins(event)}


def decode(raw: bytes) -> CloudEvent:
    """Reads the structured JSON form. Raises `MalformedEventError`."""
    try:
        attributes = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedEventError(f"not JSON: {error}") from error
    if not isinstance(attributes, dict):
        raise MalformedEventError("a CloudEvent is a JSON object")
    return from_attributes(attributes)


def from_attributes(
    attributes: dict[str, Any], decode_data: Callable[[bytes], Any] = msgspec.json.decode
) -> CloudEvent:
    """An event from its attributes and `data` or `data_base64`; an integer attribute may be a number or a string, an
    absent one null. `decode_data` decodes the JSON in `data_base64`. Raises `MalformedEventError`."""
    present = {k: v for k, v in attributes.items() if v is not None}
    if DATA_BASE64 in present:
        present["data"] = _encoded_data(present, decode_data)
    texts = {k: str(v) if isinstance(v, int) and k != "data" else v for k, v in present.items()}
    for name in _REQUIRED:
        if not texts.get(name):
            raise MalformedEventError(f"the event has no {name}")
    try:
        event = msgspec.convert(texts, CloudEvent)
    except msgspec.ValidationError as error:
        raise MalformedEventError(f"not a CloudEvent: {error}") from error
    if event.specversion != "1.0":
        raise MalformedEventError(f"specversion {event.specversion!r} is not 1.0")
    return event


def extensions(attributes: dict[str, Any]) -> dict[str, str]:
    """The attributes that are not fields of ours, in their string form."""
    known = {*CloudEvent.__struct_fields__, DATA_BASE64}
    return {name: str(value) for name, value in attributes.items() if name not in known}


def _encoded_data(attributes: dict[str, Any], decode_data: Callable[[bytes], Any]) -> Any:
    """The JSON in `data_base64`, as some SDKs encode an event whose data they were given as bytes."""
    encoded = attributes.pop(DATA_BASE64)
    if "data" in attributes:
        raise MalformedEventError("an event has either data or data_base64")
    try:
        return decode_data(base64.b64decode(encoded, validate=True))
    except (TypeError, ValueError, RecursionError) as error:  # DecodeError, UnicodeDecodeError, binascii.Error
        raise MalformedEventError(f"data_base64 is not JSON in base64: {error}") from None


__all__ = [
    "TICKS",
    "CloudEvent",
    "MalformedEventError",
    "Origin",
    "Secrets",
    "WrongSignatureError",
    "canonical",
    "clock_tick",
    "decode",
    "encode",
    "extensions",
    "from_attributes",
    "to_attributes",
    "unwrap",
    "wrap",
]
