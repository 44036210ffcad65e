"""From a task to the call that goes over the wire."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from shared.proxy.execution import control_tokens
from shared.proxy.task import LLMTask, PromptMessage
from shared.types.model import ToolCall, Tools
from shared.upstreams.port import ModelCall, WireMessage

_BYTES_A_TOKEN = 2.5
"""Fewer than any language that we know has; a prompt that is longer all the same is refused by the server, not cut."""
_PER_MESSAGE = 16
MOST_UNBOUND = 8192
"""Tokens of an answer in the cloud whose caller sets no limit: they are reserved, and some servers refuse more."""
_GOOD_ROOM = 4096
"""Tokens that an answer has at least, where a window of that size is there."""
_FOR_TOOLS = 300
"""Tokens by which a model's template explains to it how tools are called."""


def wire_messages(messages: Sequence[PromptMessage]) -> tuple[WireMessage, ...]:
    """What the server reads: whatever is not of our own making cannot speak as anybody else."""
    return tuple(
        WireMessage(
            message.role,
            control_tokens.joined(message.parts),
            tuple(picture.content for picture in message.pictures),
            tuple(
                ToolCall(one.id, control_tokens.harmless(one.name), control_tokens.harmless(one.arguments))
                for one in message.tool_calls
            ),
            message.tool_call_id,
            control_tokens.harmless(message.tool_name),
        )
        for message in messages
    )


def call_of(task: LLMTask, model: str, timeout_s: float) -> ModelCall:
    return ModelCall(
        model=model,
        messages=wire_messages(task.messages),
        max_output_tokens=task.max_output_tokens,
        classification=task.highest_class,
        schema=task.schema,
        tools=task.tools and _harmless(task.tools),
        thinking=task.thinking,
        sampling=task.sampling,
        timeout_s=timeout_s,
    )


def _harmless(tools: Tools) -> Tools:
    """A description of a function cannot speak as anybody else either: its brackets stand within JSON's strings."""
    functions = control_tokens.harmless(msgspec.json.encode(tools.functions).decode())
    return replace(tools, functions=msgspec.json.decode(functions, type=tuple[dict[str, Any], ...]))


def prompt_tokens(call: ModelCall) -> int:
    """About how many, rather too many than too few."""
    tools = int(len(msgspec.json.encode(call.tools.functions)) / _BYTES_A_TOKEN) + _FOR_TOOLS if call.tools else 0
    calls = sum(len(one.arguments.encode()) + _PER_MESSAGE for message in call.messages for one in message.tool_calls)
    text = sum(int(len(message.text.encode()) / _BYTES_A_TOKEN) + _PER_MESSAGE for message in call.messages)
    return text + calls + tools


def with_window(call: ModelCall, steps: Sequence[int], beyond: int = 0) -> ModelCall:
    """With the smallest window, above `beyond`, that holds prompt and answer; the largest where none does."""
    wanted = prompt_tokens(call) + call.max_output_tokens
    fitting = [step for step in steps if step >= wanted and step > beyond]
    return replace(call, context_tokens=fitting[0] if fitting else steps[-1])


def with_room(call: ModelCall, steps: Sequence[int]) -> ModelCall:
    """With all the output that the window has room for which leaves a good answer's; with `MOST_UNBOUND` where the
    window is the server's."""
    if not steps:
        return replace(call, max_output_tokens=max(call.max_output_tokens, MOST_UNBOUND))
    taken = prompt_tokens(call)
    window = with_window(replace(call, max_output_tokens=_GOOD_ROOM), steps).context_tokens or steps[-1]
    return replace(call, max_output_tokens=max(call.max_output_tokens, window - taken))


def with_half_the_room(call: ModelCall, least: int) -> ModelCall:
    """For a call that the budget has no room for."""
    return replace(call, max_output_tokens=max(least, call.max_output_tokens // 2))


def with_schema_instruction(call: ModelCall) -> ModelCall:
    """For a server that does not hold its model to the schema: the model gets it as an instruction."""
    schema = msgspec.json.encode(call.schema).decode()
    instruction = WireMessage(
        "user", f"Answer with JSON alone, nothing around it, that fits this JSON schema:\n{schema}"
    )
    return replace(call, messages=(*call.messages, instruction))


def with_complaint(call: ModelCall, answer: str, complaint: str) -> ModelCall:
    """The same, with what was wrong with the answer."""
    return replace(call, messages=(*call.messages, WireMessage("assistant", answer), WireMessage("user", complaint)))
