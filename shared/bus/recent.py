"""Marks by which the sweep knows whether to say again what a document waits for."""

RECENT_S = 60
"""How long an event is young enough to be on its way."""


def recent_mark(tenant_id: str, document_id: str, generation: int | str) -> str:
    """An event about the document is young."""
    return f"recent:{tenant_id}:{document_id}:{generation}"


def quiet_mark(tenant_id: str, document_id: str, generation: int | str) -> str:
    """The sweep has spoken of the document, and waits before it does so again."""
    return f"sweep:quiet:{tenant_id}:{document_id}:{generation}"
