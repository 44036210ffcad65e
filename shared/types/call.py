"""One call of a handler."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from shared.types.payer import Payer
from shared.types.principal import Principal


class Call(Struct, frozen=True):
    """On whose behalf a handler runs. `tenant_id` is empty for operators, the clock and public routes;
    `last_event_id` is where a cut-off stream is to go on; `is_ending` says that the process waits only for its calls
    to end. `label` is the client's own name for the request; `on_remaining` receives what is left of the caller's
    budget (micro-dollars, None: no limit) whenever that is known anew. On a public route `address` is the client's and
    `credential` what it sent, unchecked."""

    function: str
    tenant_id: str = ""
    principal: Principal | None = None
    request_id: str = ""
    traceparent: str = ""
    last_event_id: str = ""
    is_ending: Callable[[], bool] = lambda: False
    work: Any = None
    label: str = ""
    on_remaining: Callable[[int | None], None] = lambda remaining: None
    address: str = ""
    credential: str = ""

    @property
    def payer(self) -> Payer:
        key_id = self.principal.key_id if self.principal else ""
        return Payer(self.tenant_id, key_id, self.request_id, self.label, self.function)
