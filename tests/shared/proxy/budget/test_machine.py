"""Whatever callers do and however often Redis forgets: what Redis counts is what a simple account says."""

import asyncio
import itertools
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from msgspec import Struct

from shared.blobs.port import BlobMissing
from shared.proxy.budget.allowances import DefaultCap
from shared.proxy.budget.caps import Caps
from shared.proxy.budget.mending import Counted
from shared.proxy.budget.operations import Over, Reserved, ScopeOf, estimated
from shared.redis.connection import over_url
from shared.types.payer import Payer
from shared.usage.records import BudgetWindow
from tests.shared.proxy.budget.environment import DAY, BudgetEnvironment, outbound
from tests.stores import ANSWER_LIMIT_S

_Answer = TypeVar("_Answer")
LEASE_S = 600
PLATFORM = DefaultCap(150, 400)
numbers = itertools.count()
CALLS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 60)), min_size=1, max_size=4)
STEPS = ("reserve_again", "write_down", "confirm", "settle", "release")
DISTURBANCES = (
    "leases_run_out",
    "a_day_goes_by",
    "sweep",
    "book_the_outbox",
    "send_alerts",
    "redis_is_emptied",
    "another_redis_takes_over",
)


class Held(Struct):
    """An operation as the account knows it: `held`, `left`, `settled`, `released`, or, with a Redis that forgot it,
    `booked` or `gone`. `written` says that its outbound record is in the usage ledger."""

    payer: Payer
    amount: int
    windows: tuple[BudgetWindow, ...]
    until: datetime
    state: str = "held"
    cost: int = 0
    written: bool = False

    @property
    def is_open(self) -> bool:
        return self.state in ("held", "left")


class MemoryBlobs:
    """No disk to wait for, a thousand times over; that blobs outlive a crash is tried elsewhere."""

    def __init__(self) -> None:
        self._blobs: dict[str, bytes] = {}

    async def read(self, name: str) -> bytes:
        if name not in self._blobs:
            raise BlobMissing(name)
        return self._blobs[name]

    async def write(self, name: str, data: bytes) -> None:
        self._blobs[name] = data

    async def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self._blobs if name.startswith(prefix))


class Machine(RuleBasedStateMachine):
    """`url` is set by the test that runs it."""

    url: str

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.operations: dict[str, Held] = {}
        self.alerts: list[tuple[BudgetWindow, int]] = []
        self.caps: dict[tuple[str, str, str], int | None] = {}
        self.do(self.open())

    def do(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        return self.loop.run_until_complete(work)

    async def open(self) -> None:
        redis = over_url(self.url, answer_s=ANSWER_LIMIT_S)
        await redis.call("FLUSHDB")
        self.env = BudgetEnvironment(MemoryBlobs(), redis, PLATFORM)  # type: ignore[arg-type]
        await self.env.noon()
        first, second = await self.env.payer("pro"), await self.env.payer("enterprise")
        self.payers = [
            first,
            Payer(first.tenant_id, "key_other"),
            Payer(second.tenant_id, second.key_id, document_id="doc_a", document_cap_microusd=90),
        ]
        for payer in self.payers:
            self.caps["document", payer.document_id, "life"] = payer.document_cap_microusd
            self.caps["tenant", payer.tenant_id, "month"] = 20_000 if payer.tenant_id == first.tenant_id else None
        self.caps["platform", "", "day"], self.caps["platform", "", "month"] = PLATFORM.day, PLATFORM.month

    def cap(self, window: BudgetWindow) -> int | None:
        return self.caps.get((window.scope, window.id, window.name))

    def account(self) -> dict[BudgetWindow, Counted]:
        found: dict[BudgetWindow, Counted] = {}
        for one in self.operations.values():
            for window in one.windows:
                before = found.get(window, Counted(0, 0))
                spent = before.spent_microusd + (one.cost if one.state in ("settled", "booked") else 0)
                found[window] = Counted(spent, before.reserved_microusd + (one.amount if one.is_open else 0))
        return {window: counted for window, counted in found.items() if counted != Counted(0, 0)}

    def lease_ends(self) -> None:
        """What the budget does before it admits anything."""
        now = self.do(self.env.now())
        for one in self.operations.values():
            if one.state == "held" and one.until <= now:
                one.state = "released"

    def pick(self, number: int) -> str | None:
        """The newest is number 0."""
        known = list(reversed(self.operations))
        return known[number % len(known)] if known else None

    @initialize(calls=CALLS)
    def begin(self, calls: list[tuple[int, int]]) -> None:
        self.reserve_some(calls)

    @rule(calls=CALLS)
    def reserve_some(self, calls: list[tuple[int, int]]) -> None:
        for payer, amount in calls:
            self.reserve(payer, amount)

    @rule(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 9)), min_size=1, max_size=6))
    def go_on(self, steps: list[tuple[str, int]]) -> None:
        for step, number in steps:
            getattr(self, step)(number)

    @rule(number=st.integers(0, 9), share=st.integers(0, 100))
    def leave_and_settle(self, number: int, share: int) -> None:
        self.write_down(number)
        self.confirm(number)
        self.settle(number, share)
        self.settle(number, share // 2)

    @rule(what=st.sampled_from(DISTURBANCES))
    def disturb(self, what: str) -> None:
        getattr(self, what)()

    @rule(cap=st.sampled_from([0, 40, 150, 300, None]), name=st.sampled_from(["day", "month"]))
    def lower_or_raise(self, cap: int | None, name: str) -> None:
        self.change_platform_cap(cap, name)

    @rule(cap=st.sampled_from([0, 30, 100, None]), payer=st.integers(0, 2))
    def lower_or_raise_a_keys(self, cap: int | None, payer: int) -> None:
        self.change_key_cap(cap, payer)

    def reserve(self, payer: int, amount: int) -> None:
        self.lease_ends()
        operation_id, who = f"opr_{next(numbers)}", self.payers[payer]
        before = self.account()
        answer = self.do(self.env.budget.reserve(operation_id, amount, who, LEASE_S))
        if isinstance(answer, Over):
            counted = before.get(answer.window, Counted(0, 0))
            cap = self.cap(answer.window)
            assert cap is not None and (cap == 0 or counted.spent_microusd + counted.reserved_microusd + amount > cap)
            return
        assert isinstance(answer, Reserved)
        until = self.do(self.env.now()) + timedelta(seconds=LEASE_S)
        self.operations[operation_id] = Held(who, amount, answer.windows, until)
        for window, counted in self.account().items():
            cap = self.cap(window)
            fits = cap is None or counted.spent_microusd + counted.reserved_microusd <= cap
            assert fits or window not in answer.windows, "never over a cap"

    def reserve_again(self, number: int) -> None:
        operation_id = self.pick(number)
        if operation_id and self.is_open(self.operations[operation_id]):
            one = self.operations[operation_id]
            self.lease_ends()
            answer = self.do(self.env.budget.reserve(operation_id, one.amount, one.payer, LEASE_S))
            assert isinstance(answer, Reserved) and set(answer.windows) == set(one.windows)

    def is_open(self, one: Held) -> bool:
        return one.state == "left" or (one.state == "held" and one.until > self.do(self.env.now()))

    def write_down(self, number: int) -> None:
        operation_id = self.pick(number)
        if operation_id and self.operations[operation_id].state == "held":
            one = self.operations[operation_id]
            held = Reserved(one.windows, None)
            at = one.until - timedelta(seconds=LEASE_S)
            self.env.recorded.outbound[operation_id] = outbound(operation_id, one.amount, one.payer, held, at, LEASE_S)
            one.written = True

    def confirm(self, number: int) -> None:
        operation_id = self.pick(number)
        if operation_id and self.operations[operation_id].written:
            one = self.operations[operation_id]
            now = self.do(self.env.now())
            if one.state == "held":
                one.state = "left" if one.until > now else "released"
            assert self.do(self.env.budget.confirm(operation_id)) is (one.state == "left")

    def settle(self, number: int, share: int = 70) -> None:
        operation_id = self.pick(number)
        if operation_id and self.operations[operation_id].written:  # nothing leaves before it is written down
            one = self.operations[operation_id]
            cost = one.amount * share // 100
            if one.is_open:
                one.state, one.cost = "settled", cost
            assert self.do(self.env.settle(operation_id, cost)).booked is (one.state == "settled")

    def release(self, number: int) -> None:
        operation_id = self.pick(number)
        if operation_id:
            if self.operations[operation_id].is_open:
                self.operations[operation_id].state = "released"
            self.do(self.env.budget.release(operation_id))

    def leases_run_out(self) -> None:
        self.env.budget.ahead_s += LEASE_S + 1

    def a_day_goes_by(self) -> None:
        if self.env.budget.ahead_s < 12 * DAY:
            self.env.budget.ahead_s += DAY

    def sweep(self) -> None:
        self.lease_ends()
        self.do(self.env.budget.sweep())

    def book_the_outbox(self) -> None:
        self.do(self.env.book_outbox())

    def send_alerts(self) -> None:
        sent = self.do(self.env.budget.alerts())
        self.alerts += [(alert.window, alert.threshold_pct) for alert in sent]
        self.env.recorded.alerted |= set(self.alerts)
        self.do(self.env.budget.alerted(sent))
        assert len(set(self.alerts)) == len(self.alerts), "each once"

    def change_platform_cap(self, cap: int | None, name: str) -> None:
        self.do(self.env.budget.change_caps(ScopeOf("platform"), "operator", Caps(**{name: cap})))
        self.caps["platform", "", name] = cap

    def change_key_cap(self, cap: int | None, payer: int) -> None:
        who = self.payers[payer]
        scope = ScopeOf("key", who.key_id, who.tenant_id)
        self.do(self.env.budget.change_caps(scope, "admin", Caps(day=cap)))
        self.caps["key", who.key_id, "day"] = cap

    def redis_is_emptied(self) -> None:
        self.forget(set(self.env.recorded.usage))
        self.do(self.env.redis.call("FLUSHDB"))

    def another_redis_takes_over(self) -> None:
        """With all keys of the former one: its outbox is as good as booked."""
        waiting = self.do(self.env.budget.outbox.waiting())
        self.forget({usage.usage_id for usage in waiting} | set(self.env.recorded.usage))
        self.do(self.env.redis.call("SET", "budget:generation", "f" * 40 + ":0"))

    def forget(self, booked: set[str]) -> None:
        for operation_id, one in self.operations.items():
            if not one.written:
                one.state = "gone"
            elif operation_id not in booked:
                one.state = "left"
            elif one.state == "settled":
                one.state = "booked"

    @invariant()
    def redis_counts_match_the_account(self) -> None:
        self.do(self.env.budget.seed())
        assert self.do(self.env.counted()) == self.account()

    def teardown(self) -> None:
        self.env.budget.ahead_s += LEASE_S + 1
        self.lease_ends()
        self.do(self.env.budget.sweep())
        for operation in self.do(self.env.budget.lapsed()):
            one = self.operations[operation.operation_id]
            assert one.state == "left" and one.written
            one.state, one.cost = "settled", one.amount
            self.do(self.env.budget.settle(estimated(operation, operation.until)))
        self.do(self.env.book_outbox())
        counted = self.do(self.env.counted())
        assert counted == self.account()
        assert not any(one.reserved_microusd for one in counted.values()), "never stuck"
        booked = self.do(self.env.recorded.balances())
        assert not booked.open
        written = {window: one.spent_microusd for window, one in counted.items()}
        assert written == {window: spent for window, spent in booked.spent.items() if spent}
        self.do(self.env.redis.close())
        self.loop.close()


def test_the_budget_counts_as_a_simple_account_does(redis_url: str) -> None:
    machine = type("_Machine", (Machine,), {"url": redis_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=15,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
