"""Events about a budget, for listeners outside the suite."""

from hashlib import sha256
from typing import Literal, cast

from msgspec import Struct


class BudgetThresholdReached(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="aegis.budget.threshold_reached.v1"
):
    """What is spent and reserved in a window has reached a share of its cap; published once for each window and
    threshold. `used_up` marks the event of 100 %: nothing is left in the window, or it refused a call for which it had
    no room, which may be well below 100 %.

    `scope_id` is empty for the whole platform. `start` is the day (`2026-11-22`), the month (`2026-11`), or empty for
    the whole life of a document. `tenant_id` travels as an attribute, and is empty for the platform.
    """

    tenant_id: str
    scope: Literal["tenant", "key", "platform", "document"]
    scope_id: str
    window: Literal["day", "month", "life"]
    start: str
    threshold_pct: int
    spent_microusd: int
    cap_microusd: int
    reserved_microusd: int = 0
    used_up: bool = False

    @classmethod
    def type_name(cls) -> str:
        return cast(str, cls.__struct_config__.tag)

    @property
    def event_id(self) -> str:
        """Equal for every repetition, whatever was spent by then."""
        parts = (self.type_name(), self.scope, self.scope_id, self.window, self.start, str(self.threshold_pct))
        return "evt_" + sha256("\n".join(parts).encode()).hexdigest()[:32]

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes of its CloudEvent."""
        return {
            "subject": "/".join(part for part in (self.scope, self.scope_id) if part),
            "aegistenant": self.tenant_id,
        }
