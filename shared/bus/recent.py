"""Marks in Redis from which the sweep decides whether to publish a document's pending event again."""

RECENT_S = 60
"""How long an event counts as recent, and is taken to be in a queue or in delivery."""


def recent_mark(tenant_id: str, document_id: str, generation: int | str) -> str:
    """Key of the mark that an event about the document is recent."""
    return f"recent:{tenant_id}:{document_id}:{generation}"


def quiet_mark(tenant_id: str, document_id: str, generation: int | str) -> str:
    """Key of the mark that the sweep has published for the document, and waits before it does so again."""
    return f"sweep:quiet:{tenant_id}:{document_id}:{generation}"
