"""A document's text as Markdown."""

from functools import partial

from events.document import DocumentParsed
from shared.parsing.markdown import markdown_of
from shared.parsing.pool import ParserPool
from shared.processes.cpu_threads import run_short
from shared.records.records import TenantRecords
from shared.records.structs import DocumentRecord
from shared.table.table import Table
from shared.types.errors import Conflict

_SHORT = 128 * 1024
"""Bytes of a document that become Markdown within a few milliseconds."""


async def reading_of(record: DocumentRecord, records: TenantRecords, table: Table) -> DocumentParsed | None:
    """Returns what the first stage made of the document; None before that."""
    return await records.outcome(record.document_id, record.generation, table.stages(record.route)[0], DocumentParsed)


async def document_text(record: DocumentRecord, records: TenantRecords, table: Table, parsers: ParserPool) -> bytes:
    """Markdown in UTF-8. Raises `Conflict` while the document has no text."""
    parsed = await reading_of(record, records, table)
    if parsed is None:
        raise Conflict("The document has no text yet; its status says whether it will have.")
    read = partial(records.read, parsed.parsed)
    if record.size <= _SHORT and len(stored := await read()) <= _SHORT:
        return await run_short(markdown_of, stored)
    # In a process of its own: a pattern that goes over a long text stops all threads of this one.
    return await parsers.markdown(read)
