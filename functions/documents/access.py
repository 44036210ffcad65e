"""Finds the document of a request, if the caller may change it."""

from msgspec import Struct

from shared.catalogue.catalogue import Catalogue, CatalogueEntry
from shared.catalogue.finding import find
from shared.types.errors import Forbidden
from shared.types.principal import Principal


class OneDocument(Struct, frozen=True):
    document_id: str


async def find_own(document_id: str, catalogue: Catalogue, principal: Principal) -> CatalogueEntry:
    """For a change: members may change their own documents, admins all. Raises `NotFound`, `Forbidden`."""
    entry = await find(document_id, catalogue)
    own = entry.record.uploader in (principal.key_id, principal.user_id)
    if not own and not principal.has_role(("admin",)):
        raise Forbidden("Only the document's uploader or an admin may change it.")
    return entry
