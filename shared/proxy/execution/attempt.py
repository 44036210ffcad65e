"""One attempt to run a task at the server that was chosen for it."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any

from msgspec.structs import replace

from shared.proxy.execution import prompts
from shared.proxy.execution.call_accounting import CallAccounting, OverBudget, RunningCall
from shared.proxy.execution.control_tokens import restored
from shared.proxy.execution.retrying import RateLimitPause, RetryPolicy, WiderWindow
from shared.proxy.execution.schema import NotTheSchema, read
from shared.proxy.routing.servers import ModelServer
from shared.proxy.routing.strategies import RoutingDecision
from shared.proxy.task import Execution, LLMResult, LLMTask, Token
from shared.types.model import TokenCounts
from shared.upstreams.port import Fault, ModelCall, StreamEnd, UpstreamError

_SCHEMA_ATTEMPTS = 2
_REFUSALS: frozenset[Fault] = frozenset({"rate_limited", "too_long"})
LONGEST_TEXT = 8 * 1024 * 1024
"""Characters of one answer, more than any model writes."""


class Attempt:
    """Takes a slot, fits the window, reserves what the call may cost, and asks again where the server is busy or the
    answer does not fit the schema. `record` is the decision as the usage ledger stores it."""

    def __init__(
        self,
        task: LLMTask,
        decision: RoutingDecision,
        record: dict[str, Any],
        server: ModelServer,
        accounting: CallAccounting,
        context_steps: tuple[int, ...],
    ) -> None:
        self._task = task
        self._decision = decision
        self._record = record
        self._server = server
        self._accounting = accounting
        self._context_steps = context_steps
        self._calls: list[RunningCall] = []

    @property
    def cost_microusd(self) -> int:
        """Of all its calls so far, those that gave no answer too."""
        return sum(call.cost_microusd for call in self._calls)

    @property
    def estimated(self) -> bool:
        return any(call.estimated for call in self._calls)

    async def stream(self) -> AsyncGenerator[Token | LLMResult]:
        """The answer's pieces, none where it has to fit a schema or to call a tool, then the result."""
        task = self._task
        call = self._first_call()
        tries = _SCHEMA_ATTEMPTS
        while True:
            async with self._server.slot(task.payer.tenant_id):
                retries, result = self._retry_policy(), None
                while result is None:
                    call = retries.prepare(call)
                    text: list[str] = []
                    length = 0
                    end: StreamEnd | None = None
                    try:
                        async with (
                            self._account(call) as running,
                            aclosing(self._server.stream(call, running.permit)) as events,
                        ):
                            self._calls.append(running)
                            while end is None:
                                event = await running.next(events)
                                if isinstance(event, StreamEnd):
                                    end = event
                                    continue
                                text.append(event.text)
                                length += len(event.text)
                                if length > LONGEST_TEXT:
                                    raise UpstreamError("broken", "an answer without an end", may_have_run=True)
                                if not self._is_whole:
                                    yield Token(event.text, begins=len(text) == 1)
                        result = self._result("".join(text), end, running)
                    except OverBudget:
                        if not self._task.takes_room or call.max_output_tokens <= self._task.max_output_tokens:
                            raise
                        call = prompts.with_half_the_room(call, self._task.max_output_tokens)
                    except UpstreamError as error:
                        if text and not self._is_whole and error.fault in _REFUSALS:
                            # its pieces are given out and cannot come again: an answer that broke off
                            detail = f"the answer broke off: {error.detail}"
                            raise UpstreamError("broken", detail, may_have_run=True, counts=error.counts) from error
                        if not await retries.may_retry(error):
                            raise
            if not self._is_whole:
                yield result
                return
            try:
                result = self._checked(result)
            except NotTheSchema as error:
                tries -= 1
                if not tries:
                    raise
                call = prompts.with_complaint(call, result.text, error.complaint)
                continue
            yield result
            return

    @property
    def _is_whole(self) -> bool:
        """Whether the answer is given out as a whole, because it is checked first."""
        tools = self._task.tools
        return self._task.schema is not None or (tools is not None and tools.choice == "required")

    def _checked(self, result: LLMResult) -> LLMResult:
        """Raises `NotTheSchema`, also for an answer without the call of a tool that was asked for."""
        if self._task.schema is not None:
            return replace(result, data=read(result.text, self._task.schema))
        name = self._task.tools.name if self._task.tools else ""
        if not any(name in ("", call.name) for call in result.tool_calls):
            raise NotTheSchema((f"a call of the function {name} is missing" if name else "a tool's call is missing",))
        return result

    def _first_call(self) -> ModelCall:
        call = prompts.call_of(self._task, self._decision.model, self._server.timeout_s)
        if self._task.takes_room:
            call = prompts.with_room(call, self._context_steps if self._server.location == "local" else ())
        needs_instruction = call.schema is not None and not self._server.enforces_schema
        return prompts.with_schema_instruction(call) if needs_instruction else call

    def _retry_policy(self) -> RetryPolicy:
        if self._server.location == "local":
            return WiderWindow(self._context_steps)
        return RateLimitPause(self._server.queue_s if self._server.waits else 0)

    def _account(self, call: ModelCall) -> AbstractAsyncContextManager[RunningCall]:
        """Raises `OverBudget` for a call of which the cost has no bound, or one above the task's."""
        if self._server.location == "local":
            return self._accounting.free_call(self._task, self._decision, self._record, call)
        amount, most = self._accounting.worst_case(call), self._task.max_cost_microusd
        if amount is None:
            raise OverBudget(f"{call.model} has no price: what it costs cannot be bounded.")
        if most is not None and self.cost_microusd + amount > most:
            raise OverBudget("The call may cost more than the most it was allowed to.")
        return self._accounting.paid_call(self._task, self._decision, self._record, call, amount)

    def _result(self, text: str, end: StreamEnd, running: RunningCall) -> LLMResult:
        decision = self._decision
        return LLMResult(
            text=restored(text),
            execution=Execution(self._server.location, decision.model, decision.strategy, decision.reason),
            counts=running.counts or TokenCounts(),
            cost_microusd=self.cost_microusd,
            estimated=self.estimated,
            finish=end.finish,
            tool_calls=tuple(replace(one, arguments=restored(one.arguments)) for one in end.tool_calls),
        )
