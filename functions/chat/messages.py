"""Requests in OpenAI's format. Optional fields that are not defined here are ignored."""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct, field

from functions.chat.openai_types import CalledTool
from shared.types.document import Classification

MIB = 1 << 20
MOST_TOKENS = 131_072
_Tokens = Annotated[int, Meta(ge=1, le=MOST_TOKENS)]


class ImageUrl(Struct, frozen=True):
    """A picture in the request itself, as a `data:` URL; no address is ever fetched."""

    url: str


class ContentPart(Struct, frozen=True):
    """A piece of a message: `text`, `image_url`, or an assistant's `refusal`."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | str | None = None


class ChatMessage(Struct, frozen=True):
    """One message of the conversation so far. One of the role `tool` has the result of the call `tool_call_id`."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | tuple[ContentPart, ...] | None = None
    tool_calls: Annotated[tuple[CalledTool, ...], Meta(max_length=128)] | None = None
    tool_call_id: str | None = None
    function_call: dict[str, Any] | None = None


class FunctionTool(Struct, frozen=True):
    """A function that the model may ask its caller to run; `parameters` is a JSON schema."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Struct, frozen=True):
    """A tool in the caller's hands: a function."""

    type: Literal["function"]
    function: FunctionTool


class NamedFunction(Struct, frozen=True):
    """The function's name."""

    name: str


class NamedTool(Struct, frozen=True):
    """The one function that the model has to call."""

    type: Literal["function"]
    function: NamedFunction


class JsonSchema(Struct, frozen=True):
    """A schema with the name that the caller gives it."""

    name: str = ""
    schema: dict[str, Any] = field(default_factory=dict)


class ResponseFormat(Struct, frozen=True):
    """`json_object`: any object; `json_schema`: what the schema allows."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Struct, frozen=True):
    """`include_usage` asks for a last chunk with what was used."""

    include_usage: bool | None = None


class ChatRequest(Struct, frozen=True):
    """`model` is `aegis`, which answers from documents, or an upstream's model. `classification` is ours: it can raise
    the class of what is sent, which is internal, never lower it. A `reasoning_effort` of `high` asks `aegis` for its
    high quality; another model thinks first, where it can, unless it is absent, `none` or `minimal`."""

    ignores_unknown: ClassVar[bool] = True
    largest_body: ClassVar[int] = 4 * MIB

    model: Annotated[str, Meta(min_length=1, max_length=200)]
    messages: Annotated[tuple[ChatMessage, ...], Meta(min_length=1, max_length=2048)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: _Tokens | None = None
    max_completion_tokens: _Tokens | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    stop: str | Annotated[tuple[str, ...], Meta(max_length=4)] | None = None
    seed: Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | None = None
    response_format: ResponseFormat | None = None
    tools: Annotated[tuple[Tool, ...], Meta(max_length=128)] | None = None
    functions: list[Any] | None = None
    parallel_tool_calls: bool | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    reasoning_effort: str | None = None
    n: int | None = None
    classification: Classification | None = None

    @property
    def includes_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class CompletionRequest(Struct, frozen=True):
    """`prompt` is one text. The other fields are those of a chat."""

    ignores_unknown: ClassVar[bool] = True
    largest_body: ClassVar[int] = 4 * MIB

    model: Annotated[str, Meta(min_length=1, max_length=200)]
    prompt: str | list[Any]
    suffix: str | None = None
    echo: bool | None = None
    best_of: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: _Tokens | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    stop: str | Annotated[tuple[str, ...], Meta(max_length=4)] | None = None
    seed: Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)] | None = None
    n: int | None = None
    classification: Classification | None = None


class EmbeddingsRequest(Struct, frozen=True):
    """`input` is a text or up to 2,048 of them; one longer than the model reads becomes the mean of its windows.
    `aegis` is the model that documents are found by."""

    ignores_unknown: ClassVar[bool] = True
    largest_body: ClassVar[int] = 4 * MIB
    ends_with_caller: ClassVar[bool] = True

    model: Annotated[str, Meta(min_length=1, max_length=200)]
    input: str | list[Any]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = None


class ModelsRequest(Struct, frozen=True):
    """Lists all models."""

    ignores_unknown: ClassVar[bool] = True


class ModelRequest(Struct, frozen=True):
    """Reads one model by its name."""

    ignores_unknown: ClassVar[bool] = True

    id: Annotated[str, Meta(min_length=1, max_length=200)]
