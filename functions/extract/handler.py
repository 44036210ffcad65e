"""Finds the entities that passages name, without a model."""

import msgspec

from events.document import DocumentChunked, DocumentExtracted
from shared.access.accounts import Accounts
from shared.extraction.entities import PassageEntities, count_entities, find_entities
from shared.processes.cpu_threads import run_long, stop_if_left
from shared.stages.stages import StageWork
from shared.types.passage import Passage

STAGE_VERSION = 1


async def handle(event: DocumentChunked, work: StageWork, accounts: Accounts) -> DocumentExtracted:
    tenant_id = event.origin.tenant_id
    settings = await accounts.settings(tenant_id)
    found: list[PassageEntities] = []
    count = 0
    if settings.graph != "off":
        passages = await work.read(event.passages)
        found, count = await run_long(tenant_id, _find, passages)
    blob = await work.write("entities", msgspec.msgpack.encode(found))
    return DocumentExtracted(origin=event.origin, key=work.key, entities=blob, count=count)


def _find(passages: bytes) -> tuple[list[PassageEntities], int]:
    """The names of each passage, and how many different entities they are."""
    found = []
    for passage in msgspec.json.decode(passages, type=list[Passage]):
        stop_if_left()
        found.append(find_entities(passage))
    return found, count_entities(found)
