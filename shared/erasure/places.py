"""Every place that may hold a document's text or a quotation of it: for the tests of deletion and for the reference."""

from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

StoreName = Literal["blobs", "redis", "vectors", "disk"]


class Place(Struct, frozen=True):
    """`names` are patterns of blobs or of keys; `erased` says what erases them, and when."""

    store: StoreName
    names: tuple[str, ...]
    holds: str
    erased: str


_WITH_DOCUMENT = "with the document"
_WITH_DOCUMENT_OR_DAY = "with the document; after a day"

PLACES = (
    Place("blobs", ("t/*/d/*",), "original, results of the stages, their parts, vectors", _WITH_DOCUMENT),
    Place("blobs", ("failed/*",), "dead letters, which may name the document's title", _WITH_DOCUMENT),
    Place("blobs", ("t/*/inbox/*",), "documents of outside producers", "once taken in; with the tenant"),
    Place("redis", ("catalogue:*",), "title and metadata of the document", _WITH_DOCUMENT),
    Place("redis", ("conversation:*",), "questions, answers, quotations; titles", _WITH_DOCUMENT_OR_DAY),
    Place(
        "redis",
        ("idempotency:*",),
        "stored answers, unreadable without the caller's key",
        _WITH_DOCUMENT_OR_DAY,
    ),
    Place("redis", ("pool:*",), "the event of a document that waits for the pool", _WITH_DOCUMENT),
    Place("redis", ("queue:*",), "events with keys of blobs and titles", "once delivered"),
    Place("vectors", ("points",), "passages", f"{_WITH_DOCUMENT}; from the files by compaction, within the hour"),
    Place("disk", ("counters/appendonlydir",), "commands with all of the above", "by compaction, within the hour"),
    Place("disk", ("spool",), "uploads while they arrive", "at the end of the upload; at the next start"),
)


def place_of(store: StoreName, name: str) -> Place | None:
    """The place that a blob or a key belongs to."""
    return next(
        (place for place in PLACES if place.store == store and any(fnmatchcase(name, one) for one in place.names)), None
    )
