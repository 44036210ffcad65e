"""Operations of the budget: calls that may cost something, from their reservation to their settlement."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from shared.types.errors import AegisError
from shared.types.money import usd
from shared.types.payer import Payer
from shared.usage.records import BudgetWindow, OutboundRecord, ScopeName, UsageLine, UsageRecord, WindowName


class Reserved(Struct, frozen=True):
    """The amount is reserved in each of the windows. `remaining_microusd` is the smallest of what is left in them;
    None where none has a cap."""

    windows: tuple[BudgetWindow, ...]
    remaining_microusd: int | None


class Over(Struct, frozen=True):
    """This window has no room for the amount; nothing was reserved anywhere."""

    window: BudgetWindow
    cap_microusd: int
    spent_microusd: int
    reserved_microusd: int


def no_room(over: Over, amount: int) -> str:
    """The text of a refusal. Never what is left of the platform's budget: it shows what others spend."""
    window = over.window
    if window.scope == "platform":
        return f"The {window.name}'s budget of the platform has no room for work that may cost {usd(amount):.6f} USD."
    whose = f"{window.scope} {window.id}".strip()
    left = max(0, over.cap_microusd - over.spent_microusd - over.reserved_microusd)
    return (
        f"The {window.name}'s budget of {whose} has {usd(left):.6f} USD left and the work may cost {usd(amount):.6f}. "
        "GET /budget shows all of them and when they begin anew."
    )


class SwitchedOff(Struct, frozen=True):
    """The model once cost more than its worst case; an operator has to look first."""

    model: str


class CloudNotAllowed(Struct, frozen=True):
    """The tenant does not allow cloud calls."""


Withdrawal = Literal["budget", "privacy"]
"""Why a running operation has to end."""


class CloudForbidden(AegisError):
    """The tenant does not allow cloud calls."""


class Settled(Struct, frozen=True):
    """`booked` is False where the operation is not known or was released; settled twice, the first cost stands:
    `cost_microusd`. `excess_microusd` is what it cost above what was held:
    its model is switched off. `remaining_microusd` is None where no window has a cap; `is_remaining_known` is False
    where the caps were not at hand."""

    booked: bool
    excess_microusd: int = 0
    remaining_microusd: int | None = None
    is_remaining_known: bool = False
    cost_microusd: int = 0


class BudgetOperation(Struct, frozen=True):
    """An operation as Redis stores it. `until` is the end of its lease."""

    operation_id: str
    payer: Payer
    windows: tuple[BudgetWindow, ...]
    reserved_microusd: int
    until: datetime
    model: str = ""


class ScopeOf(Struct, frozen=True):
    """A scope that has caps: a tenant (`id` is the tenant's), a key (`tenant_id` says whose), or the platform."""

    scope: ScopeName
    id: str = ""
    tenant_id: str = ""

    @property
    def owner(self) -> str:
        """The tenant that it belongs to; empty for the platform."""
        return {"platform": "", "tenant": self.id}.get(self.scope, self.tenant_id)


class WindowState(Struct, frozen=True):
    """A window as it is now; `cap_microusd` and `remaining_microusd` are None where nothing limits it."""

    scope: ScopeName
    id: str
    window: WindowName
    cap_microusd: int | None
    spent_microusd: int
    reserved_microusd: int
    remaining_microusd: int | None
    resets_at: datetime


def estimated(operation: BudgetOperation, at: datetime) -> UsageRecord:
    """The usage of a call that left and whose counts never came: all that was reserved for it."""
    return _usage(operation, at, (UsageLine("output_token", 0, operation.reserved_microusd),), is_estimated=True)


def unspent(operation: BudgetOperation, at: datetime) -> UsageRecord:
    """The usage of a call that never left: nothing. It ends the outbound record, where there is one."""
    return _usage(operation, at, (), is_estimated=False)


def settled_at_once(usage: UsageRecord, windows: tuple[BudgetWindow, ...]) -> UsageRecord:
    """The record of work that was charged in these windows, without a reservation."""
    return replace(usage, windows=windows, at=dated(usage.at, windows), settled_at_once=True)


def operation_of(call: OutboundRecord) -> BudgetOperation:
    payer = Payer(
        tenant_id=call.tenant_id,
        key_id=call.key_id,
        request_id=call.request_id,
        label=call.label,
        function=call.function,
        document_id=call.document_id,
    )
    return BudgetOperation(call.operation_id, payer, call.windows, call.reserved_microusd, call.lease_until, call.model)


def _usage(
    operation: BudgetOperation, at: datetime, lines: tuple[UsageLine, ...], *, is_estimated: bool
) -> UsageRecord:
    payer = operation.payer
    return UsageRecord(
        usage_id=operation.operation_id,
        tenant_id=payer.tenant_id,
        at=dated(at, operation.windows),
        lines=lines,
        key_id=payer.key_id,
        request_id=payer.request_id,
        label=payer.label,
        document_id=payer.document_id,
        function=payer.function,
        location="cloud",
        model=operation.model,
        reserved_microusd=operation.reserved_microusd,
        estimated=is_estimated,
        windows=operation.windows,
    )


def dated(at: datetime, windows: Iterable[BudgetWindow]) -> datetime:
    """The time moved into the day that the windows count: a call is billed in the day of its reservation, by Redis'
    clock, however late it is settled and whatever the clock of this machine says."""
    for window in windows:
        if window.name == "day":
            start = datetime.fromisoformat(window.start).replace(tzinfo=UTC)
            return min(max(at, start), start + timedelta(days=1, microseconds=-1))
    return at


def text_of(window: BudgetWindow) -> str:
    """Formats a window as Redis names it; ids have neither blanks nor bars."""
    return f"{window.scope}|{window.id}|{window.name}|{window.start}"


def window_of(text: str) -> BudgetWindow:
    scope, id_, name, start = text.split("|")
    return BudgetWindow(scope, id_, name, start)  # type: ignore[arg-type]


def windows_of(texts: str) -> tuple[BudgetWindow, ...]:
    return tuple(map(window_of, texts.split()))


def resets_at(window: BudgetWindow) -> datetime:
    """Returns the time at which a day's or a month's window ends."""
    first = date.fromisoformat(window.start if window.name == "day" else f"{window.start}-01")
    following = first + timedelta(days=1) if window.name == "day" else (first + timedelta(days=31)).replace(day=1)
    return datetime(following.year, following.month, following.day, tzinfo=UTC)
