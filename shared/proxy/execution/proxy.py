"""The proxy: every call of a language model goes through it. It decides where a task runs, pays for it, and goes on
elsewhere where that fails.

A prompt is never cut, an answer counts only when it is whole, and what must not leave does not.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from shared.proxy.execution import prompts
from shared.proxy.execution.call_accounting import (
    BudgetWithdrawn,
    CallAccounting,
    CloudForbidden,
    OverBudget,
    Reservation,
    usage_of,
)
from shared.proxy.execution.control_tokens import restored
from shared.proxy.execution.schema import NotTheSchema, read
from shared.proxy.routing.conditions import Conditions
from shared.proxy.routing.fallbacks import Fallback, NoModel, PromptTooLong, fallback_of, refused
from shared.proxy.routing.servers import ModelServer, ModelServers
from shared.proxy.routing.strategies import (
    NamedModelRefused,
    RoutingDecision,
    RoutingState,
    TaskFacts,
    decide,
    recorded,
)
from shared.proxy.task import Execution, LLMResult, LLMTask, Token
from shared.types.errors import StoreUnavailable
from shared.types.model import StrategyName, TokenCounts
from shared.upstreams.port import ModelCall, StreamEnd, TextDelta, UpstreamError
from shared.usage.records import UsageLine, UsageRecord

_SCHEMA_ATTEMPTS = 2
_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 8.0
_MOST_DETOURS = 4
_GOES_ON = (UpstreamError, OverBudget, BudgetWithdrawn, CloudForbidden, StoreUnavailable, NotTheSchema)


class _Attempt(Struct, frozen=True):
    """Where a task is sent, and why there."""

    task: LLMTask
    facts: TaskFacts
    state: RoutingState
    decision: RoutingDecision
    server: ModelServer

    @property
    def told(self) -> dict[str, Any]:
        """The decision as the book keeps it."""
        return recorded(self.facts, self.state, self.decision)


class ExecutionProxy:
    def __init__(
        self,
        servers: ModelServers,
        conditions: Conditions,
        accounting: CallAccounting,
        strategy: StrategyName,
        context_steps: tuple[int, ...],
    ) -> None:
        self._servers = servers
        self._conditions = conditions
        self._accounting = accounting
        self._strategy = strategy
        self._context_steps = context_steps

    async def execute(self, task: LLMTask) -> LLMResult:
        """Raises `NoModel` where no model can run the task, and for a task whose caller named its model a `Problem`
        that says why that one did not."""
        async with aclosing(self.stream(task)) as events:
            async for event in events:
                if isinstance(event, LLMResult):
                    return event
        raise AssertionError("a stream ends with its result")

    async def stream(self, task: LLMTask) -> AsyncGenerator[Token | LLMResult]:
        """The answer's pieces, then the result, last and once. Where a call breaks off half-way, the pieces of the next
        one follow: only the result is sure to be whole. Close it when leaving early. Raises like `execute`."""
        facts, state = _facts(task), await self._conditions.now(task)
        fallback: Fallback | None = None
        for _ in range(_MOST_DETOURS):
            decision = self._decide(facts, state, fallback)
            way = _Attempt(task, facts, state, decision, self._servers.serving(decision))
            try:
                async with aclosing(self._run(way)) as events:
                    async for event in events:
                        yield event
                return
            except _GOES_ON as error:
                if task.model is not None:
                    raise refused(task.model, error) from error
                fallback = fallback_of(decision, error)
                state = fallback.changed(state)
        raise NoModel(fallback.reason if fallback else "no_model")

    def _decide(self, facts: TaskFacts, state: RoutingState, fallback: Fallback | None) -> RoutingDecision:
        try:
            decision = decide(facts, state, self._strategy)
        except NamedModelRefused as error:
            raise refused(error.model, error) from error
        if fallback and decision.location and fallback.is_told_by(decision):
            decision = decision.instead(decision.location, decision.model, fallback.cause)
        if decision.location is None and fallback and fallback.cause == "context":
            raise PromptTooLong("no model here reads a prompt of this length")
        if decision.location is None:
            raise NoModel(fallback.reason if fallback else "no_model")
        return decision

    async def _run(self, way: _Attempt) -> AsyncGenerator[Token | LLMResult]:
        """One model's answer; with a schema, asked a second time where the first answer does not fit it."""
        task, server = way.task, way.server
        call = prompts.call_of(task, way.decision.model, server.timeout_s)
        if task.schema is not None and not server.enforces_schema:
            call = prompts.with_schema_told(call)
        for attempt in range(1, _SCHEMA_ATTEMPTS + 1):
            result: LLMResult | None = None
            async with aclosing(self._ask(way, call)) as events:
                async for event in events:
                    if isinstance(event, LLMResult):
                        result = event
                    elif task.schema is None:
                        yield event
            assert result is not None
            if task.schema is None:
                yield result
                return
            try:
                yield replace(result, data=read(result.text, task.schema))
                return
            except NotTheSchema as wrong:
                if attempt == _SCHEMA_ATTEMPTS:
                    raise
                call = prompts.asked_again(call, result.text, wrong.complaint)

    async def _ask(self, way: _Attempt, call: ModelCall) -> AsyncGenerator[Token | LLMResult]:
        """In a slot of the server, with a window that holds the prompt."""
        asking = self._queued if way.decision.location == "cloud" else self._widening
        async with (
            way.server.slot(way.task.payer.tenant_id),
            aclosing(asking(way, call)) as events,
        ):
            async for event in events:
                yield event

    async def _widening(self, way: _Attempt, call: ModelCall) -> AsyncGenerator[Token | LLMResult]:
        """The window is guessed from the prompt's bytes; where the server finds it too small, the next one is taken."""
        beyond = 0
        while True:
            call = prompts.with_window(call, self._context_steps, beyond)
            try:
                async with aclosing(self._free(way, call)) as events:
                    async for event in events:
                        yield event
                return
            except UpstreamError as error:
                beyond = call.context_tokens or 0
                if error.fault != "too_long" or beyond >= self._context_steps[-1]:
                    raise

    async def _queued(self, way: _Attempt, call: ModelCall) -> AsyncGenerator[Token | LLMResult]:
        """Where the cloud says that it is asked too often, the call waits for a while, in its slot."""
        until, pause = time.monotonic() + way.server.queue_s, _PAUSE_S
        while True:
            try:
                async with aclosing(self._paid(way, call)) as events:
                    async for event in events:
                        yield event
                return
            except UpstreamError as error:
                pause = error.retry_after or pause
                if error.fault != "rate_limited" or not way.server.waits or time.monotonic() + pause > until:
                    raise
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    async def _paid(self, way: _Attempt, call: ModelCall) -> AsyncGenerator[Token | LLMResult]:
        amount = self._accounting.worst_case(call)
        if amount is None:
            raise OverBudget(f"{call.model} has no price: what it costs cannot be bounded.")
        task, decision = way.task, way.decision
        if task.max_cost_microusd is not None and amount > task.max_cost_microusd:
            raise OverBudget("The call may cost more than the most it was allowed to.")
        text: list[str] = []
        async with (
            self._accounting.charge(task, decision, way.told, call, amount) as charge,
            aclosing(way.server.stream(call)) as pieces,
        ):
            done = None
            while done is None:
                event = await charge.next(pieces)
                if isinstance(event, StreamEnd):
                    done = event
                    charge.counts = event.counts
                else:
                    text.append(event.text)
                    yield Token(event.text)
        yield _result("".join(text), decision, done, charge)

    async def _free(self, way: _Attempt, call: ModelCall) -> AsyncGenerator[Token | LLMResult]:
        text: list[str] = []
        done: StreamEnd | None = None
        async with aclosing(way.server.stream(call)) as pieces:
            async for event in pieces:
                if isinstance(event, TextDelta):
                    text.append(event.text)
                    yield Token(event.text)
                else:
                    done = event
        assert done is not None
        self._accounting.note(_free_usage(way, call.model, done.counts))
        yield _result("".join(text), way.decision, done)

    async def outlook(self, task: LLMTask) -> RoutingDecision:
        """Where the task would run now; nothing of it leaves. Raises like `execute`."""
        return self._decide(_facts(task), await self._conditions.now(task), None)

    async def models(self, *, with_cloud: bool) -> dict[str, str]:
        """Those that a caller may name, with their server's name."""
        return await self._servers.named(with_cloud=with_cloud)

    async def close(self) -> None:
        await self._accounting.close()
        await self._servers.close()


def _facts(task: LLMTask) -> TaskFacts:
    return TaskFacts(
        kind=task.kind,
        classification=task.highest_class,
        quality=task.quality,
        complexity=task.complexity,
        max_latency_ms=task.max_latency_ms,
        pages=task.pages,
        prompt_tokens=sum(len(message.text.encode()) for message in task.messages) // 3,
        model=task.model,
    )


def _free_usage(way: _Attempt, model: str, counts: TokenCounts | None) -> UsageRecord:
    lines = (
        UsageLine("input_token", counts.prompt - counts.cached),
        UsageLine("cached_input_token", counts.cached),
        UsageLine("output_token", counts.completion),
    ) if counts else ()  # fmt: skip
    return usage_of(way.task, way.decision, way.told, model, tuple(line for line in lines if line.quantity))


def _result(text: str, decision: RoutingDecision, done: StreamEnd, charge: Reservation | None = None) -> LLMResult:
    assert decision.location
    return LLMResult(
        text=restored(text),
        execution=Execution(decision.location, decision.model, decision.strategy, decision.reason),
        counts=done.counts or TokenCounts(),
        cost_microusd=charge.cost_microusd if charge else 0,
        estimated=charge.estimated if charge else done.counts is None,
        finish=done.finish,
    )
