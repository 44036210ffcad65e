"""The mark that an event about a document is young enough to be on its way."""

RECENT_S = 60
"""After this the sweep says again what a document waits for."""


def recent_mark(tenant_id: str, document_id: str, epoch: int | str) -> str:
    return f"recent:{tenant_id}:{document_id}:{epoch}"
