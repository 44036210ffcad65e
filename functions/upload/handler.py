"""Takes a document in: detects its format, stores it, publishes its first event."""

from typing import Annotated

from msgspec import Meta, Struct

from shared.intake.answer import Accepted, KnownDocument, answer
from shared.intake.intake import Intake, Submission
from shared.types.document import Classification
from shared.types.errors import Conflict, DiskFull, EmptyFile, NotFound, UnsupportedFormat
from shared.types.http import SpooledFile
from shared.types.money import Dollars
from shared.types.principal import Principal


class Upload(Struct, frozen=True):
    """A form: the file and what its uploader states. `max_cost_usd` limits what its stages may cost."""

    file: SpooledFile
    title: Annotated[str, Meta(max_length=500)] | None = None
    classification: Classification | None = None
    max_cost_usd: Dollars | None = None


ERRORS = (Conflict, DiskFull, EmptyFile, NotFound, UnsupportedFormat)


async def handle(request: Upload, intake: Intake, principal: Principal) -> Accepted | KnownDocument:
    result = await intake.take(
        Submission(
            file=request.file,
            uploader=principal.user_id or principal.key_id,
            title=request.title,
            classification=request.classification,
            max_cost_usd=request.max_cost_usd,
        )
    )
    return answer(result)
