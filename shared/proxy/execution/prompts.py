"""From a task to the call that goes over the wire."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from shared.proxy.execution import control_tokens
from shared.proxy.task import LLMTask, PromptMessage
from shared.upstreams.port import ModelCall, WireMessage

_BYTES_A_TOKEN = 2.5
"""Fewer than any language that we know has; a prompt that is longer all the same is refused by the server, not cut."""
_PER_MESSAGE = 16


def wire_messages(messages: Sequence[PromptMessage]) -> tuple[WireMessage, ...]:
    """What the server reads: whatever is not of our own making cannot speak as anybody else."""
    return tuple(
        WireMessage(
            message.role,
            control_tokens.joined(message.parts),
            tuple(picture.content for picture in message.pictures),
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
        thinking=task.thinking,
        sampling=task.sampling,
        timeout_s=timeout_s,
    )


def prompt_tokens(call: ModelCall) -> int:
    """About how many, rather too many than too few."""
    return sum(int(len(message.text.encode()) / _BYTES_A_TOKEN) + _PER_MESSAGE for message in call.messages)


def with_window(call: ModelCall, steps: Sequence[int], beyond: int = 0) -> ModelCall:
    """With the smallest window, above `beyond`, that holds prompt and answer; the largest where none does."""
    wanted = prompt_tokens(call) + call.max_output_tokens
    fitting = [step for step in steps if step >= wanted and step > beyond]
    return replace(call, context_tokens=fitting[0] if fitting else steps[-1])


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
