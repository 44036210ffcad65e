"""Takes in documents from outside producers: a CloudEvent that holds one, or names one in the tenant's inbox."""

import asyncio
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, Struct

from events.envelope import CloudEvent
from shared.blobs.port import BlobMissing
from shared.intake.answer import Accepted, KnownDocument, answer
from shared.intake.intake import Intake, Submission
from shared.intake.spool import SpoolWriter
from shared.records.records import TenantRecords
from shared.runtime.http.requests import explained
from shared.runtime.wiring.settings import Settings
from shared.types.document import Classification
from shared.types.errors import Conflict, DiskFull, EmptyFile, InvalidRequest, NotFound, UnsupportedFormat
from shared.types.http import SpooledFile
from shared.types.money import Dollars
from shared.types.principal import Principal

SUBMITTED = "aegis.document.submitted.v1"


class Submitted(Struct, frozen=True, forbid_unknown_fields=True):
    """The event's data: the bytes in base64, or the name of a blob below `t/{tenant}/inbox/`."""

    filename: Annotated[str, Meta(min_length=1, max_length=1000)]
    title: Annotated[str, Meta(max_length=500)] | None = None
    classification: Classification | None = None
    max_cost_usd: Dollars | None = None
    content_base64: str | None = None
    blob_key: str | None = None


class Submit(Struct, frozen=True):
    """The credential says whose document it is; the event needs no signature."""

    event_type: ClassVar[str] = SUBMITTED
    data_type: ClassVar[type[Struct]] = Submitted

    event: CloudEvent
    content: SpooledFile | None = None
    """The document that `content_base64` held; there the event has an empty text now."""


ERRORS = (Conflict, DiskFull, EmptyFile, NotFound, UnsupportedFormat)


async def handle(
    request: Submit, intake: Intake, records: TenantRecords, settings: Settings, principal: Principal
) -> Accepted | KnownDocument:
    submitted = _data(request.event)
    file = await _file(request, submitted, records, settings)
    try:
        result = await intake.take(
            Submission(
                file=msgspec.structs.replace(file, filename=submitted.filename),
                uploader=principal.user_id or principal.key_id,
                title=submitted.title,
                classification=submitted.classification,
                max_cost_usd=submitted.max_cost_usd,
            )
        )
    finally:
        await asyncio.to_thread(file.path.unlink, missing_ok=True)
    if submitted.blob_key:
        await records.clear_inbox(submitted.blob_key)
    return answer(result)


def _data(event: CloudEvent) -> Submitted:
    if event.type != SUBMITTED:
        raise InvalidRequest(f"This endpoint takes events of type {SUBMITTED}, not {event.type!r}.")
    try:
        submitted = msgspec.convert(event.data, Submitted)
    except msgspec.ValidationError as error:
        raise explained(error, "/data") from None
    if (submitted.content_base64 is None) == (submitted.blob_key is None):
        raise InvalidRequest.at("/data", "the event's data takes either `content_base64` or `blob_key`")
    return submitted


async def _file(request: Submit, submitted: Submitted, records: TenantRecords, settings: Settings) -> SpooledFile:
    if submitted.content_base64 is not None:
        if request.content is None:
            raise InvalidRequest.at("/data/content_base64", "write the key `content_base64` without escapes")
        return request.content
    writer = SpoolWriter(settings.spool, settings.max_upload_bytes)
    try:
        async for piece in records.inbox(submitted.blob_key or ""):
            await asyncio.to_thread(writer.write, piece)
        return writer.finish()
    except BlobMissing:
        writer.discard()
        raise NotFound("There is no such blob in the inbox.") from None
    except BaseException:
        writer.discard()
        raise
