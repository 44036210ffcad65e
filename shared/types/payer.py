"""The payer of a call."""

from msgspec import Struct


class Payer(Struct, frozen=True):
    """On whose account a call runs. `request_id` is our own, `label` the client's; `document_id` is set where the
    call is made for a document, which then may cost no more than `document_cap_microusd` in all."""

    tenant_id: str
    key_id: str = ""
    request_id: str = ""
    label: str = ""
    function: str = ""
    document_id: str = ""
    document_cap_microusd: int | None = None
