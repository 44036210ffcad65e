"""Takes a document in: recognises its format, writes it to the ledger, sends it on its way."""

from typing import Annotated

from msgspec import Meta, Struct

from shared.intake.intake import Accepted, Intake, KnownDocument, Submission
from shared.types.document import Classification
from shared.types.http import SpooledFile
from shared.types.money import Dollars
from shared.types.principal import Principal


class Upload(Struct, frozen=True):
    """A form: the file and what to know of it. `max_cost_usd` bounds what its stages may cost."""

    file: SpooledFile
    title: Annotated[str, Meta(max_length=500)] | None = None
    classification: Classification | None = None
    max_cost_usd: Dollars | None = None


async def handle(request: Upload, intake: Intake, principal: Principal) -> Accepted | KnownDocument:
    return await intake.take(
        Submission(
            file=request.file,
            uploader=principal.user_id or principal.key_id,
            title=request.title,
            classification=request.classification,
            max_cost_usd=request.max_cost_usd,
        )
    )
