"""Responses in OpenAI's format; fields of our own begin with `aegis_`."""

from collections.abc import Sequence
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from shared.answers.answering import AnswerExecution
from shared.types.citation import Citation
from shared.types.model import FinishReason, ToolCall
from shared.types.usage import Usage

AEGIS = "aegis"
"""The model that answers from documents, and the one that they are found by."""


class PromptTokensDetails(Struct, frozen=True):
    """`cached_tokens` are part of the prompt's."""

    cached_tokens: int = 0


class ChatUsage(Struct, frozen=True):
    """Tokens as the server that ran the model counted them; `cost_usd` and `estimated` are ours."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails = PromptTokensDetails()
    cost_usd: float = 0.0
    estimated: bool = False


def chat_usage(usage: Usage) -> ChatUsage:
    return ChatUsage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        prompt_tokens_details=PromptTokensDetails(usage.cached_tokens),
        cost_usd=usage.cost_usd,
        estimated=usage.estimated,
    )


class CalledFunction(Struct, frozen=True):
    """The function's name, and its arguments as JSON that the model wrote: check it."""

    name: str
    arguments: str


class CalledTool(Struct, frozen=True):
    """The model asks to run a function; send its result as a message of the role `tool` with this id. `index` counts
    the calls of a stream."""

    id: str
    function: CalledFunction
    type: Literal["function"] = "function"
    index: int | UnsetType = UNSET


def called_tools(calls: Sequence[ToolCall], *, streamed: bool = False) -> tuple[CalledTool, ...]:
    return tuple(
        CalledTool(one.id, CalledFunction(one.name, one.arguments), index=number if streamed else UNSET)
        for number, one in enumerate(calls)
    )


class AssistantMessage(Struct, frozen=True):
    """`content` says so in a sentence where the documents hold no answer; it is null where the model only calls
    tools."""

    content: str | None
    role: Literal["assistant"] = "assistant"
    refusal: None = None
    tool_calls: tuple[CalledTool, ...] | UnsetType = UNSET


class ChatChoice(Struct, frozen=True):
    """The only choice."""

    message: AssistantMessage
    finish_reason: FinishReason
    index: int = 0
    logprobs: None = None


class ChatCompletion(Struct, frozen=True, kw_only=True):
    """A whole answer. `aegis_citations` are there where it was made from documents, `aegis_degraded` where it was made
    with less than there should be: `conversation` where an earlier turn quotes a deleted document and was left out."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: tuple[ChatChoice, ...]
    usage: ChatUsage
    aegis_citations: tuple[Citation, ...] | UnsetType = UNSET
    aegis_execution: AnswerExecution
    aegis_degraded: tuple[str, ...] | UnsetType = UNSET


class ChatDelta(Struct, frozen=True):
    """What a chunk adds: text, or whole calls of tools."""

    role: Literal["assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    tool_calls: tuple[CalledTool, ...] | UnsetType = UNSET


class ChunkChoice(Struct, frozen=True):
    """`finish_reason` is set in the last one."""

    delta: ChatDelta
    finish_reason: FinishReason | None = None
    index: int = 0
    logprobs: None = None


class ChatChunk(Struct, frozen=True, kw_only=True):
    """A piece of an answer. Where usage was asked for it is null in all chunks but the last, which has no choices."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: tuple[ChunkChoice, ...]
    usage: ChatUsage | UnsetType | None = UNSET
    aegis_citations: tuple[Citation, ...] | UnsetType = UNSET
    aegis_execution: AnswerExecution | UnsetType = UNSET
    aegis_degraded: tuple[str, ...] | UnsetType = UNSET


class TextChoice(Struct, frozen=True):
    """The only choice, or a piece of it."""

    text: str
    finish_reason: FinishReason | None
    index: int = 0
    logprobs: None = None


class TextCompletion(Struct, frozen=True, kw_only=True):
    """A continued prompt, whole or a piece of a stream; fields of ours as in a chat completion."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: tuple[TextChoice, ...]
    usage: ChatUsage | UnsetType | None = UNSET
    aegis_citations: tuple[Citation, ...] | UnsetType = UNSET
    aegis_execution: AnswerExecution | UnsetType = UNSET
    aegis_degraded: tuple[str, ...] | UnsetType = UNSET


class ListedModel(Struct, frozen=True, kw_only=True):
    """A model that the caller may name. `aegis_enabled` is false while it is switched off: it cost or counted more than
    it can have, or an operator did it."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    aegis_enabled: bool = True


class ModelList(Struct, frozen=True, kw_only=True):
    """Every model that the caller may name."""

    object: Literal["list"] = "list"
    data: tuple[ListedModel, ...]


class EmbeddingItem(Struct, frozen=True, kw_only=True):
    """A vector as numbers, or as little-endian 32-bit floats in base64."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: tuple[float, ...] | str


class EmbeddingUsage(Struct, frozen=True):
    """Tokens that the model read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingList(Struct, frozen=True, kw_only=True):
    """A vector a text, in the order of the texts."""

    object: Literal["list"] = "list"
    data: tuple[EmbeddingItem, ...]
    model: str
    usage: EmbeddingUsage
