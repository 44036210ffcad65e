"""One example event of each type, as written to `samples/`: built from the structs and signed with a public secret."""

import msgspec

from events import EVENTS, BudgetThresholdReached, ClockTicked, Message
from events.document import (
    DocumentChunked,
    DocumentDeleted,
    DocumentEmbedded,
    DocumentExtracted,
    DocumentLinked,
    DocumentParsed,
    DocumentReady,
    DocumentRejected,
    DocumentStored,
    Origin,
)
from events.envelope import CloudEvent, Secrets, clock_tick, encode, wrap

SECRETS = Secrets.parse("sample:not-a-secret-but-a-sample")
_TIME = "2026-01-15T09:30:00Z"
_ORIGIN = Origin(
    tenant_id="ten_4k2m9x7c1v8b3n6q",
    document_id="doc_0c6f6b8a5d3e4f1a9b2c7d8e6f504132",
    generation=1,
    route="cpu",
    request_id="req_5f0c3a9be1d24786c0a1b2d3",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
)
_PREFIX = f"t/{_ORIGIN.tenant_id}/d/{_ORIGIN.document_id}/{_ORIGIN.generation}/"

_EXAMPLES: dict[str, tuple[str, Message]] = {
    event.type_name(): (source, event)
    for source, event in (
        (
            "upload",
            DocumentStored(
                origin=_ORIGIN,
                key="8d1f0f5b7c9a4e32a6b1c0d9e8f70615",
                original=f"{_PREFIX}original",
                filename="Prüfbericht 2025.docx",
                media_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                parser="docx",
                size=48213,
            ),
        ),
        (
            "parse",
            DocumentParsed(
                origin=_ORIGIN,
                key="1b2c3d4e5f60718293a4b5c6d7e8f901",
                parsed=f"{_PREFIX}parsed",
                pages=12,
                title="Prüfbericht über die Brücke am Nordhafen",
                parser="docling",
            ),
        ),
        (
            "chunk",
            DocumentChunked(
                origin=_ORIGIN, key="2c3d4e5f60718293a4b5c6d7e8f9011b", passages=f"{_PREFIX}passages", count=37
            ),
        ),
        (
            "embed",
            DocumentEmbedded(
                origin=_ORIGIN,
                key="3d4e5f60718293a4b5c6d7e8f9011b2c",
                points=f"{_PREFIX}points",
                count=37,
                tokens=6120,
                sentences=f"{_PREFIX}sentences",
            ),
        ),
        (
            "extract",
            DocumentExtracted(
                origin=_ORIGIN, key="4a5e6f708192a3b4c5d6e7f80911b2c3", entities=f"{_PREFIX}entities", count=58
            ),
        ),
        (
            "link",
            DocumentLinked(origin=_ORIGIN, key="4b5e6f708192a3b4c5d6e7f80911b2c3", graph=f"{_PREFIX}graph", count=58),
        ),
        (
            "finish",
            DocumentReady(origin=_ORIGIN, key="4e5f60718293a4b5c6d7e8f9011b2c3d", passages=37, entities=58),
        ),
        (
            "parse",
            DocumentRejected(
                origin=_ORIGIN,
                key="1b2c3d4e5f60718293a4b5c6d7e8f901",
                stage="parse",
                code="encrypted",
                detail="The document is protected by a password.",
            ),
        ),
        ("documents", DocumentDeleted(origin=_ORIGIN, key="5f60718293a4b5c6d7e8f9011b2c3d4e")),
        (
            "sweep",
            BudgetThresholdReached(
                tenant_id=_ORIGIN.tenant_id,
                scope="tenant",
                scope_id=_ORIGIN.tenant_id,
                window="month",
                start="2026-01",
                threshold_pct=80,
                spent_microusd=16_120_400,
                cap_microusd=20_000_000,
            ),
        ),
    )
}


def example(event_type: str) -> CloudEvent:
    """Raises KeyError for a type that has none."""
    if event_type == ClockTicked.type_name():
        return msgspec.structs.replace(clock_tick("9f2c4a6b8d0e1f35"), time=_TIME)
    source, event = _EXAMPLES[event_type]
    return msgspec.structs.replace(wrap(event, source, SECRETS), time=_TIME)


def sample(event_type: str) -> str:
    """The content of `samples/{event_type}.json`."""
    return msgspec.json.format(encode(example(event_type)), indent=2).decode() + "\n"


def samples() -> dict[str, str]:
    return {event_type: sample(event_type) for event_type in EVENTS}
