"""Takes a document in: recognises its format, writes it to the ledger, sends it on its way."""

import contextlib
from hashlib import sha256
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from shared.bus.port import Bus
from shared.catalogue.catalogue import Catalogue
from shared.catalogue.view import FINAL, status_of, title_of
from shared.counters.leases import Leases
from shared.formats.filename import safe_filename
from shared.formats.router import FormatRouter
from shared.ledger.ledger import Ledger
from shared.ledger.records import DocumentRecord
from shared.runtime.errors import StoreUnavailable
from shared.runtime.needs import Call
from shared.runtime.resume import origin_of, run_again, stored_event
from shared.runtime.table import Table
from shared.types.clock import now
from shared.types.document import Classification, Status
from shared.types.http import SpooledFile
from shared.types.money import microusd
from shared.types.principal import Principal


class Upload(Struct, frozen=True):
    """A form: the file and what to know of it. `max_cost_usd` bounds what its stages may cost."""

    file: SpooledFile
    title: Annotated[str, Meta(max_length=500)] | None = None
    classification: Classification | None = None
    max_cost_usd: Annotated[float, Meta(ge=0)] | None = None


class UploadAccepted(Struct, frozen=True):
    """Taken in, and on its way; `status_url` tells how far it is."""

    http_status: ClassVar[int] = 202

    document_id: str
    status: Status
    route: str
    status_url: str
    title: str


class UploadKnown(UploadAccepted, frozen=True):
    """These bytes are here already, and ready."""

    http_status: ClassVar[int] = 200


async def handle(
    request: Upload,
    ledger: Ledger,
    catalogue: Catalogue,
    leases: Leases,
    bus: Bus,
    table: Table,
    principal: Principal,
    call: Call,
) -> UploadAccepted | UploadKnown:
    file = request.file
    filename = safe_filename(file.filename)
    routed = FormatRouter().route(filename, file.media_type, file.head, file.size)
    document_id = _document_id(ledger.tenant_id, file.content_hash)
    if known := await ledger.document(document_id):
        return await _again(known, request, ledger, catalogue, leases, bus, table, call)
    record = DocumentRecord(
        document_id=document_id,
        epoch=await ledger.tombstone(document_id) + 1,
        title=(request.title or "").strip(),
        filename=filename,
        media_type=routed.media_type,
        parser=routed.parser,
        route=routed.route,
        size=file.size,
        content_hash=file.content_hash,
        classification=request.classification or "internal",
        created_at=now(),
        uploader=principal.user_id or principal.key_id,
        request_id=call.request_id,
        max_cost_microusd=None if request.max_cost_usd is None else microusd(request.max_cost_usd),
    )
    stored = await ledger.store(record, file.path)
    if stored != record:  # another upload of the same bytes was first
        return await _again(stored, request, ledger, catalogue, leases, bus, table, call)
    await catalogue.put(record)
    await _send_on(record, ledger, bus, call)
    return await _answer(record, catalogue, table)


async def _again(
    known: DocumentRecord,
    request: Upload,
    ledger: Ledger,
    catalogue: Catalogue,
    leases: Leases,
    bus: Bus,
    table: Table,
    call: Call,
) -> UploadAccepted | UploadKnown:
    """Known bytes change nothing but the class, which they may raise; if they were refused, they try again."""
    async with leases.wait(f"document:{ledger.tenant_id}:{known.document_id}"):
        record = await ledger.document(known.document_id) or known
        if request.classification:
            record = await ledger.raise_class(record, request.classification)
            await catalogue.put(record)
        entry = await catalogue.entry(record.document_id)
        if entry and status_of(entry, table.stages()) in ("rejected", "failed"):
            await ledger.mark_open(record.document_id, record.epoch, "ingesting")
            await catalogue.hide_stages(record.document_id, await run_again(table, ledger, record, None))
            await _send_on(record, ledger, bus, call)
    return await _answer(record, catalogue, table)


async def _send_on(record: DocumentRecord, ledger: Ledger, bus: Bus, call: Call) -> None:
    """Without the bus the document still stands in the ledger, marked open: the sweep will send it on."""
    about = origin_of(record, ledger.tenant_id, call.request_id, call.traceparent)
    with contextlib.suppress(StoreUnavailable):
        await bus.publish(stored_event(record, ledger, about))


async def _answer(record: DocumentRecord, catalogue: Catalogue, table: Table) -> UploadAccepted | UploadKnown:
    entry = await catalogue.entry(record.document_id)
    status = status_of(entry, table.stages()) if entry else "stored"
    title = title_of(entry) if entry else record.title or record.filename
    kind = UploadKnown if status in FINAL else UploadAccepted
    return kind(record.document_id, status, record.route, f"/documents/{record.document_id}", title)


def _document_id(tenant_id: str, content_hash: str) -> str:
    """Of tenant and bytes, so that a race or a repeat ends in one document."""
    return "doc_" + sha256(f"{tenant_id}\n{content_hash}".encode()).hexdigest()[:32]
