"""The class that a text has now, by the documents that it was made from."""

from collections.abc import Sequence

from shared.catalogue.catalogue import Catalogue
from shared.types.document import Classification, higher
from shared.types.provenance import Provenance
from shared.types.request_sources import add_sources


async def present_classes(catalogue: Catalogue, texts: Sequence[Provenance]) -> list[Classification | None]:
    """The class of each text; None for one that quotes a document that was deleted. A deleted document that was read
    and not quoted may have been of any class: the text counts as confidential. Raises `StoreUnavailable`."""
    ids = list(dict.fromkeys(one for text in texts for one in (*text.document_ids, *text.quoted_ids)))
    add_sources(ids)
    entries = await catalogue.entries(ids)
    known = {entry.record.document_id: entry.record.classification for entry in entries if entry}
    return [_class_of(text, known) for text in texts]


def _class_of(text: Provenance, known: dict[str, Classification]) -> Classification | None:
    if not set(text.quoted_ids) <= known.keys():
        return None
    found = text.asked_class
    for document_id in (*text.document_ids, *text.quoted_ids):
        found = higher(found, known.get(document_id, "confidential"))
    return found
