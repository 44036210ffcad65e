"""What an uploader is answered, over HTTP, by every way in."""

from typing import ClassVar

from msgspec import Struct

from shared.intake.intake import IntakeResult
from shared.types.document import Status


class Accepted(Struct, frozen=True):
    """Stored and queued; `status_url` shows how far it is."""

    http_status: ClassVar[int] = 202

    document_id: str
    status: Status
    route: str
    status_url: str
    title: str


class KnownDocument(Accepted, frozen=True):
    """These bytes are stored already, and their processing has ended."""

    http_status: ClassVar[int] = 200


def answer(result: IntakeResult) -> Accepted | KnownDocument:
    kind = KnownDocument if result.is_final else Accepted
    url = f"/documents/{result.document_id}"
    return kind(result.document_id, result.status, result.route, url, result.title)
