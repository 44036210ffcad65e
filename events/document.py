"""What happens to a document, in the order it travels.

Data carries keys of blobs, never their bytes, and no floats. A field is only ever added, with a default, because old
and new revisions read each other's events.
"""

from hashlib import sha256
from typing import cast

from msgspec import Struct, field


class Origin(Struct, frozen=True):
    """Whose document this is about and what caused it; travels as attributes of the CloudEvent, not in its data.

    `generation` counts how often the document was created: bytes uploaded again after a deletion start the next one.
    On the wire it is the extension `epoch`.
    """

    tenant_id: str
    document_id: str
    generation: int = field(name="epoch")
    route: str = ""
    request_id: str = ""
    traceparent: str = ""


class DocumentEvent(Struct, frozen=True, kw_only=True, tag_field="type"):
    """`key` names the result that the event speaks of: a hash of all that went into it."""

    origin: Origin
    key: str
    continuation: int = 0

    @classmethod
    def type_name(cls) -> str:
        return cast(str, cls.__struct_config__.tag)

    @property
    def event_id(self) -> str:
        """Equal for equal happenings, so that a repeated event can be known as such."""
        about = self.origin
        parts = (self.type_name(), about.tenant_id, about.document_id, str(about.generation), self.key)
        return "evt_" + sha256("\n".join((*parts, str(self.continuation))).encode()).hexdigest()[:32]

    @property
    def attributes(self) -> dict[str, str]:
        """Of its CloudEvent."""
        about = self.origin
        return {
            "subject": about.document_id,
            "aegistenant": about.tenant_id,
            "requestid": about.request_id,
            "traceparent": about.traceparent,
            "route": about.route,
            "epoch": str(about.generation),
        }


class DocumentStored(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.stored.v1"):
    """The original is in the ledger."""

    original: str
    filename: str
    media_type: str
    parser: str
    size: int


class DocumentParsed(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.parsed.v1"):
    """Its text and structure are known. `parsed` is the blob with the `ParsedDocument`; `pool_ms` is how long workers
    of the warm pool read it, all slices together, 0 where it was read without one; `models_microusd` is what models
    cost that looked at its pictures."""

    parsed: str
    pages: int
    title: str = ""
    pool_ms: int = 0
    models_microusd: int = 0


class DocumentChunked(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.chunked.v1"):
    """It is cut into passages. `passages` is the blob with the list of them."""

    passages: str
    count: int


class DocumentEmbedded(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.embedded.v1"):
    """Its passages can be found. `points` is the blob with passages and vectors, from which the index is rebuilt."""

    points: str
    count: int
    tokens: int


class DocumentReady(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.ready.v1"):
    """Every branch is done."""

    passages: int
    entities: int = 0


class DocumentRejected(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.rejected.v1"):
    """The document is at fault. `code` is one of the contract's rejection codes."""

    stage: str
    code: str
    detail: str


class DocumentDeleted(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.deleted.v1"):
    """It is gone from every store, up to and including its epoch."""
