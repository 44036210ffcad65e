"""Stores a caller's rating of the answer to a request; a second one replaces the first."""

import asyncio
from datetime import timedelta
from typing import Annotated

from msgspec import Meta, Struct

from shared.proxy.budget.budget import Budget
from shared.records.records import TenantRecords
from shared.records.structs import FeedbackText
from shared.types.clock import now
from shared.types.errors import DiskFull, NotFound
from shared.types.model import Rating
from shared.types.principal import Principal
from shared.usage.journal import FLUSH_DELAY_S, Journal
from shared.usage.ledger import UsageLedger
from shared.usage.outbox import flush_outbox
from shared.usage.records import FeedbackRecord, Record, UsageRecord

_OLDEST = timedelta(days=62)
_WRITTEN_S = FLUSH_DELAY_S + 0.5
"""After which the record of a free answer is in the ledger, whichever process gave it."""


class Feedback(Struct, frozen=True):
    """`request_id` is our own or the client's label, of the last 62 days. Without `comment` that of the same rating
    stays."""

    request_id: Annotated[str, Meta(min_length=1, max_length=128)]
    rating: Rating
    comment: Annotated[str, Meta(max_length=4000)] | None = None


ERRORS = (DiskFull, NotFound)


async def handle(
    request: Feedback,
    ledger: UsageLedger,
    journal: Journal,
    budget: Budget,
    records: TenantRecords,
    principal: Principal,
) -> None:
    await flush_outbox(budget.outbox, journal)
    rated = await _find(request.request_id, ledger, records.tenant_id)
    before = await records.feedback(rated.request_id, principal.key_id)
    number, comment = before.number if before else 0, request.comment
    if before and before.rating == request.rating:
        comment = before.comment if comment is None else comment
    else:
        number += 1
        record = FeedbackRecord(
            feedback_id=f"{rated.request_id}-{principal.key_id}-{number}",
            tenant_id=records.tenant_id,
            request_id=rated.request_id,
            label=rated.label,
            at=now(),
            key_id=principal.key_id,
            rating=request.rating,
            replaces=before.rating if before else None,
        )
        await journal.append(record)  # first: where the call is cut off, the next one records the same once more
    await records.write_feedback(
        rated.request_id, principal.key_id, FeedbackText(request.rating, comment or None, number)
    )


async def _find(request_id: str, ledger: UsageLedger, tenant_id: str) -> UsageRecord:
    """The newest usage record of the request. Raises `NotFound`."""

    def matches(record: Record) -> bool:
        return (
            isinstance(record, UsageRecord)
            and record.request_id != ""
            and request_id in (record.request_id, record.label)
        )

    for wait_s in (0, _WRITTEN_S):
        await asyncio.sleep(wait_s)
        since = now() - _OLDEST
        for found in await ledger.newest([tenant_id], 1, None, matches, since, request_id, (UsageRecord,)):
            assert isinstance(found, UsageRecord)
            return found
    raise NotFound("There is no such request.")
