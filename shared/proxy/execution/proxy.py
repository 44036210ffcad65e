"""The proxy: every call of a language model goes through it. It decides where a task runs, pays for it, and goes on
elsewhere where that fails.

A prompt is never cut, an answer counts only when it is whole, and what must not leave does not.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec.structs import replace

from shared.proxy.budget.operations import CloudForbidden
from shared.proxy.execution.attempt import Attempt
from shared.proxy.execution.buffering import buffered
from shared.proxy.execution.call_accounting import BudgetWithdrawn, CallAccounting, OverBudget
from shared.proxy.execution.schema import NotTheSchema
from shared.proxy.routing.conditions import Conditions
from shared.proxy.routing.fallbacks import Fallback, NoModel, PromptTooLong, fallback_of, refused
from shared.proxy.routing.servers import ModelServers
from shared.proxy.routing.strategies import (
    NamedModelRefused,
    RoutingDecision,
    RoutingState,
    TaskFacts,
    decide,
    recorded,
)
from shared.proxy.task import LLMResult, LLMTask, Token
from shared.types.errors import StoreUnavailable
from shared.types.model import StrategyName
from shared.upstreams.port import UpstreamError

_MOST_ATTEMPTS = 4
_LEADS_ELSEWHERE = (UpstreamError, OverBudget, BudgetWithdrawn, CloudForbidden, StoreUnavailable, NotTheSchema)


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
        async with aclosing(self._attempts(task)) as events:
            async for event in events:
                if isinstance(event, LLMResult):
                    return event
        raise AssertionError("a stream ends with its result")

    def stream(self, task: LLMTask) -> AsyncGenerator[Token | LLMResult]:
        """The answer's pieces, then the result, last and once. Where a call breaks off half-way, the pieces of the next
        one follow: only the result is sure to be whole. Close it when leaving early. Raises like `execute`."""
        return buffered(self._attempts(task))

    async def _attempts(self, task: LLMTask) -> AsyncGenerator[Token | LLMResult]:
        facts, state = _facts(task), await self._conditions.now(task)
        fallback: Fallback | None = None
        failed: list[Attempt] = []
        for _ in range(_MOST_ATTEMPTS):
            decision = self._decide(facts, state, fallback)
            record = recorded(facts, state, decision)
            server = self._servers.server(decision.server)
            attempt = Attempt(_after(task, failed), decision, record, server, self._accounting, self._context_steps)
            try:
                async with aclosing(attempt.stream()) as events:
                    async for event in events:
                        yield _with_costs(event, failed) if isinstance(event, LLMResult) else event
                return
            except _LEADS_ELSEWHERE as error:
                if task.model is not None:
                    raise refused(task.model, error) from error
                fallback = fallback_of(decision, error)
                state = fallback.applied_to(state)
                failed.append(attempt)
        raise NoModel(fallback.reason if fallback else "no_model")

    def _decide(self, facts: TaskFacts, state: RoutingState, fallback: Fallback | None) -> RoutingDecision:
        try:
            decision = decide(facts, state, self._strategy)
        except NamedModelRefused as error:
            raise refused(error.model, error) from error
        if fallback and decision.location and fallback.explains(decision):
            decision = decision.rerouted(fallback.cause)
        if decision.location is None and fallback and fallback.cause == "context":
            raise PromptTooLong("no model here reads a prompt of this length")
        if decision.location is None:
            raise NoModel(fallback.reason if fallback else "no_model")
        return decision

    async def outlook(self, task: LLMTask) -> RoutingDecision:
        """Where the task would run now; nothing of it leaves. Raises like `execute`."""
        return self._decide(_facts(task), await self._conditions.now(task), None)

    async def models(self, *, with_cloud: bool) -> dict[str, str]:
        """Those that a caller may name, with their server's name."""
        return await self._servers.named(with_cloud=with_cloud)

    async def close(self) -> None:
        await self._accounting.close()
        await self._servers.close()


def _after(task: LLMTask, failed: list[Attempt]) -> LLMTask:
    """The task with what its failed attempts left of the most that it may cost."""
    if task.max_cost_microusd is None:
        return task
    return replace(task, max_cost_microusd=task.max_cost_microusd - sum(one.cost_microusd for one in failed))


def _with_costs(result: LLMResult, failed: list[Attempt]) -> LLMResult:
    cost = result.cost_microusd + sum(one.cost_microusd for one in failed)
    return replace(result, cost_microusd=cost, estimated=result.estimated or any(one.estimated for one in failed))


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
