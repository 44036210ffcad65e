"""Events about a document, in the order of the pipeline.

Data carries keys of blobs, never their bytes, and no floats. A field is only ever added, with a default, because old
and new revisions read each other's events.
"""

from hashlib import sha256
from typing import cast

from msgspec import Struct, field


class Origin(Struct, frozen=True):
    """The document of an event and the request that caused it: attributes of the CloudEvent, not in its data.

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
    """`key` names the result that the event reports: a hash of all its inputs."""

    origin: Origin
    key: str
    continuation: int = 0

    @classmethod
    def type_name(cls) -> str:
        return cast(str, cls.__struct_config__.tag)

    @property
    def event_id(self) -> str:
        """Equal for every repetition of the event."""
        origin = self.origin
        parts = (self.type_name(), origin.tenant_id, origin.document_id, str(origin.generation), self.key)
        return "evt_" + sha256("\n".join((*parts, str(self.continuation))).encode()).hexdigest()[:32]

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes of its CloudEvent."""
        origin = self.origin
        return {
            "subject": origin.document_id,
            "aegistenant": origin.tenant_id,
            "requestid": origin.request_id,
            "traceparent": origin.traceparent,
            "route": origin.route,
            "epoch": str(origin.generation),
        }


class DocumentStored(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.stored.v1"):
    """The original is stored."""

    original: str
    filename: str
    media_type: str
    parser: str
    size: int


class DocumentParsed(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.parsed.v1"):
    """Its text and structure were read. `parsed` is the blob with the `ParsedDocument`; `pool_ms` is the processor time
    in which workers of the warm pool read it, all slices together, 0 without the pool; `models_microusd` is the cost of
    the models that described its pictures. Of the `words_in` of its text layers `words_out` are in its text, both 0
    where none were counted; `hidden_words` are left out, since a reader does not see them; `parser` is the one that
    read it, empty in the events of revisions that did not report it. `printed` is the blob with the pages
    of an office document as LibreOffice printed them, `printed_pages` in number; empty where it did not."""

    parsed: str
    pages: int
    title: str = ""
    pool_ms: int = 0
    models_microusd: int = 0
    words_in: int = 0
    words_out: int = 0
    hidden_words: int = 0
    parser: str = ""
    printed: str = ""
    printed_pages: int = 0


class DocumentChunked(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.chunked.v1"):
    """It is cut into passages. `passages` is the blob with the list of them."""

    passages: str
    count: int


class DocumentEmbedded(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.embedded.v1"):
    """Its passages are indexed. `points` is the blob with passages and vectors, from which the index is rebuilt;
    `sentences` that with the vectors of their sentences, empty where the model gives none."""

    points: str
    count: int
    tokens: int
    sentences: str = ""


class DocumentExtracted(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.extracted.v1"):
    """The entities that its passages name were found. `entities` is the blob with them, passage by passage, and
    `count` how many there are; `models_microusd` is the cost of the models that found relations."""

    entities: str
    count: int
    models_microusd: int = 0


class DocumentLinked(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.linked.v1"):
    """Its entities are in the graph. `graph` is the blob from which the graph is rebuilt, and `count` how many entities
    it names."""

    graph: str
    count: int


class DocumentReady(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.ready.v1"):
    """Every branch of the pipeline is done."""

    passages: int
    entities: int = 0


class DocumentRejected(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.rejected.v1"):
    """The document is at fault. `code` is one of the contract's rejection codes."""

    stage: str
    code: str
    detail: str


class DocumentDeleted(DocumentEvent, frozen=True, kw_only=True, tag="aegis.document.deleted.v1"):
    """It is erased from every store, up to and including its generation."""
