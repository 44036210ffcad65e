"""Finds the document of a request, if the caller may see or change it."""

import re

from msgspec import Struct

from shared.catalogue.catalogue import Catalogue, CatalogueEntry
from shared.types.errors import Forbidden, NotFound
from shared.types.principal import Principal

_DOCUMENT_ID = re.compile(r"doc_[0-9a-z]{1,64}")


class OneDocument(Struct, frozen=True):
    document_id: str


async def find(document_id: str, catalogue: Catalogue) -> CatalogueEntry:
    """Raises `NotFound`, the same for a missing document and another tenant's."""
    entry = await catalogue.entry(document_id) if _DOCUMENT_ID.fullmatch(document_id) else None
    if entry is None:
        raise NotFound("There is no such document.")
    return entry


async def find_own(document_id: str, catalogue: Catalogue, principal: Principal) -> CatalogueEntry:
    """For a change: members may change their own documents, admins all. Raises `NotFound`, `Forbidden`."""
    entry = await find(document_id, catalogue)
    own = entry.record.uploader in (principal.key_id, principal.user_id)
    if not own and not principal.has_role(("admin",)):
        raise Forbidden("Only the document's uploader or an admin may change it.")
    return entry
