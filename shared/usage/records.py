"""The records of the ledger: ids, hashes, counts and amounts, never a text. Fields are only ever added."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from shared.types.document import Classification
from shared.types.model import AnswerLocation, Rating
from shared.types.money import usd

Unit = Literal[
    "input_token",
    "cached_input_token",
    "output_token",
    "page_parsed",
    "gpu_second",
    "embedded_1k_tokens",
    "gib_day",
    "function_second",
]

ScopeName = Literal["tenant", "key", "platform", "document"]
WindowName = Literal["day", "month", "life"]


class BudgetWindow(Struct, frozen=True, order=True):
    """A period of a budget. `start` is `2026-11-22`, `2026-11`, or empty for `life`, a document's whole time; `id` is
    empty for the platform."""

    scope: ScopeName
    id: str
    name: WindowName
    start: str


PER_UNIT: dict[Unit, int] = {
    "embedded_1k_tokens": 1_000,
    "function_second": 1_000,
    "gpu_second": 1_000,
    "gib_day": 1 << 30,
}
"""How many of a line's quantity make one unit; 1 for the others."""


def in_units(unit: Unit, quantity: int) -> int | float:
    """A line's quantity in units, with at most 6 decimals."""
    per_unit = PER_UNIT.get(unit, 1)
    return quantity if per_unit == 1 else round(quantity / per_unit, 6)


class UsageLine(Struct, frozen=True):
    """`quantity` is exact and whole: tokens, pages, milliseconds, bytes stored for a day."""

    unit: Unit
    quantity: int
    cost_microusd: int = 0


class OutboundRecord(Struct, frozen=True, kw_only=True, tag="outbound"):
    """A call to the cloud, written before it leaves. `operation_id` is the reservation's; `server` is the name of the
    server that it goes to, empty in older records."""

    operation_id: str
    tenant_id: str
    key_id: str
    request_id: str
    at: datetime
    lease_until: datetime
    model: str
    classification: Classification
    reserved_microusd: int
    windows: tuple[BudgetWindow, ...]
    prompt_hash: str
    label: str = ""
    function: str = ""
    document_id: str = ""
    server: str = ""

    @property
    def reserved_usd(self) -> float:
        return usd(self.reserved_microusd)


class QuestionOutcome(Struct, frozen=True):
    """What became of a question: `cited` has the document of each citation, `milliseconds` is how long it took."""

    answered: bool
    milliseconds: int
    cited: tuple[str, ...] = ()


class UsageRecord(Struct, frozen=True, kw_only=True, tag="usage"):
    """One billable act. `usage_id` is the id of its cause, an operation's or a stage's key, so that an act that is
    recorded twice counts once. `windows` are those it was charged to (none where it was free). `decision` holds the
    vetoes and their inputs; `passages` the ids and scores of what went into the prompt, scores as millionths, and
    `paths` by passage the ids of the entities over which the graph reached it.
    `adjusts` names the usage record whose cost this one, below zero, lowers. `settled_at_once` marks work that was
    charged without a reservation: it has no outbound record. `question` is there where documents were asked, `entities`
    (how many were found) where a document was read for them."""

    usage_id: str
    tenant_id: str
    at: datetime
    lines: tuple[UsageLine, ...]
    key_id: str = ""
    request_id: str = ""
    label: str = ""
    document_id: str = ""
    function: str = ""
    location: AnswerLocation | None = None
    model: str = ""
    reason: str = ""
    reserved_microusd: int = 0
    estimated: bool = False
    windows: tuple[BudgetWindow, ...] = ()
    decision: dict[str, Any] | None = None
    passages: tuple[tuple[str, int], ...] = ()
    paths: tuple[tuple[str, tuple[str, ...]], ...] = ()
    adjusts: str = ""
    settled_at_once: bool = False
    question: QuestionOutcome | None = None
    entities: int | None = None

    @property
    def cost_microusd(self) -> int:
        return sum(line.cost_microusd for line in self.lines)


USED_UP_PCT = 100
"""The threshold of the alert that a window is used up: nothing is left, or it has no room for a call it refused."""


class AlertRecord(Struct, frozen=True, kw_only=True, tag="alert"):
    """Spent and reserved reached a share of a window's cap, or the window is used up; its event is sent once."""

    window: BudgetWindow
    threshold_pct: int
    at: datetime
    spent_microusd: int
    cap_microusd: int
    tenant_id: str = ""
    reserved_microusd: int = 0

    @property
    def used_up(self) -> bool:
        return self.threshold_pct == USED_UP_PCT


ActionKind = Literal["login", "access", "change", "erasure"]


class ActionRecord(Struct, frozen=True, kw_only=True, tag="action"):
    """Something that a user or a key did. `action` is the operation, such as `DELETE /keys/{key_id}`; `targets` are the
    ids of what it was done to, `fields` the names of what was changed. A login that was refused is not `done`; where
    its user is not known, `tenant_id` and `actor_id` are empty."""

    action_id: str
    kind: ActionKind
    action: str
    at: datetime
    tenant_id: str = ""
    actor_id: str = ""
    request_id: str = ""
    label: str = ""
    address: str = ""
    targets: dict[str, str] = {}
    fields: tuple[str, ...] = ()
    done: bool = True


class FeedbackRecord(Struct, frozen=True, kw_only=True, tag="feedback"):
    """A caller's rating of the answer to a request. `request_id` and `label` are the rated request's; `replaces` is the
    same caller's rating before."""

    feedback_id: str
    tenant_id: str
    request_id: str
    at: datetime
    rating: Rating
    key_id: str
    label: str = ""
    replaces: Rating | None = None


Record = OutboundRecord | UsageRecord | AlertRecord | ActionRecord | FeedbackRecord


def record_id(record: Record) -> str:
    """The identity of a record: equal for one that was recorded twice; without spaces."""
    if isinstance(record, OutboundRecord):
        return f"outbound-{record.operation_id}"
    if isinstance(record, UsageRecord):
        return f"usage-{record.usage_id}"
    if isinstance(record, ActionRecord):
        return f"action-{record.action_id}"
    if isinstance(record, FeedbackRecord):
        return f"feedback-{record.feedback_id}"
    window = record.window
    return f"alert-{window.scope}-{window.id}-{window.name}-{window.start}-{record.threshold_pct}"


def unique(records: Iterable[Record]) -> list[Record]:
    """The first record of each id."""
    first: dict[str, Record] = {}
    for record in records:
        first.setdefault(record_id(record), record)
    return list(first.values())
