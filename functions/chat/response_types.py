"""Requests and responses of OpenAI's Responses API, as far as text goes."""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from functions.chat.messages import MIB, MOST_TOKENS
from functions.chat.openai_types import PromptTokensDetails
from shared.answers.answering import AnswerExecution
from shared.types.citation import Citation
from shared.types.document import Classification


class InputPart(Struct, frozen=True):
    """A piece of text: `input_text` or `output_text`."""

    type: Literal["input_text", "output_text", "text"]
    text: str


class InputMessage(Struct, frozen=True):
    """A message of the input."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | tuple[InputPart, ...]
    type: Literal["message"] = "message"


class TextFormat(Struct, frozen=True):
    """The format of the answer's text: `json_schema` takes a `schema`."""

    type: Literal["text", "json_object", "json_schema"]
    name: str = ""
    schema: dict[str, Any] | None = None


class TextSettings(Struct, frozen=True):
    """How the text is written."""

    format: TextFormat | None = None


class ReasoningSettings(Struct, frozen=True):
    """As `reasoning_effort` of a chat."""

    effort: str | None = None


class ResponsesRequest(Struct, frozen=True):
    """`input` is a text or messages. `previous_response_id` goes on where that response ended, within a day;
    `instructions` hold for this response alone. With `store: false` nothing can go on from it."""

    ignores_unknown: ClassVar[bool] = True
    largest_body: ClassVar[int] = 4 * MIB

    model: Annotated[str, Meta(min_length=1, max_length=200)]
    input: str | Annotated[tuple[InputMessage, ...], Meta(min_length=1, max_length=2048)]
    instructions: str | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    stream: bool | None = None
    background: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=1, le=MOST_TOKENS)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    text: TextSettings | None = None
    reasoning: ReasoningSettings | None = None
    tools: list[Any] | None = None
    classification: Classification | None = None


class OutputText(Struct, frozen=True):
    """The text of the answer."""

    text: str
    type: Literal["output_text"] = "output_text"
    annotations: tuple[()] = ()


class OutputMessage(Struct, frozen=True):
    """The answer as a message."""

    id: str
    status: Literal["in_progress", "completed", "incomplete"]
    content: tuple[OutputText, ...]
    role: Literal["assistant"] = "assistant"
    type: Literal["message"] = "message"


class OutputTokensDetails(Struct, frozen=True):
    """Thinking is counted among the output."""

    reasoning_tokens: int = 0


class ResponseUsage(Struct, frozen=True):
    """Tokens as the server that ran the model counted them; `cost_usd` is ours."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: PromptTokensDetails = PromptTokensDetails()
    output_tokens_details: OutputTokensDetails = OutputTokensDetails()
    cost_usd: float = 0.0


class IncompleteDetails(Struct, frozen=True):
    """Why the answer ended early."""

    reason: Literal["max_output_tokens"] = "max_output_tokens"


class ModelResponse(Struct, frozen=True, kw_only=True):
    """A response, complete or in progress; fields of ours as in a chat completion."""

    id: str
    object: Literal["response"] = "response"
    created_at: int
    status: Literal["in_progress", "completed", "incomplete"]
    model: str
    output: tuple[OutputMessage, ...] = ()
    usage: ResponseUsage | None = None
    error: None = None
    incomplete_details: IncompleteDetails | None = None
    instructions: str | None = None
    previous_response_id: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    metadata: dict[str, str] = {}
    parallel_tool_calls: bool = True
    tool_choice: Literal["auto"] = "auto"
    tools: tuple[()] = ()
    aegis_citations: tuple[Citation, ...] | UnsetType = UNSET
    aegis_execution: AnswerExecution | UnsetType = UNSET
    aegis_degraded: tuple[str, ...] | UnsetType = UNSET
