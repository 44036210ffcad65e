"""Reads the messages of a conversation in OpenAI's format: roles, texts, pictures."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from functions.chat.messages import ChatMessage, ContentPart, ImageUrl
from shared.proxy.task import Part, Picture, PromptMessage
from shared.types.document import Classification
from shared.types.errors import InvalidRequest
from shared.types.model import MessageRole, ToolCall

_SPEAKERS: dict[str, MessageRole] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
}
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def read(messages: tuple[ChatMessage, ...], classification: Classification) -> tuple[PromptMessage, ...]:
    """Converts the messages for a model, all of them of that class. Raises `InvalidRequest`."""
    called: dict[str, str] = {}
    result = []
    for number, message in enumerate(messages):
        converted = _message(f"/messages/{number}", message, classification, called)
        called |= {call.id: call.name for call in converted.tool_calls}
        result.append(converted)
    return tuple(result)


def _message(at: str, message: ChatMessage, classification: Classification, called: Mapping[str, str]) -> PromptMessage:
    """`called` are the functions that were called before, by the id of the call."""
    if message.role not in _SPEAKERS or message.function_call:
        detail = "functions are not passed on; use `tools`, `tool_calls` and the role `tool`"
        raise InvalidRequest.at(f"{at}/role", detail)
    if message.content is None and message.role != "assistant":
        raise InvalidRequest.at(f"{at}/content", "the message has no content")
    calls = _calls(f"{at}/tool_calls", message)
    call_id = message.tool_call_id or ""
    if message.role == "tool" and call_id not in called:
        raise InvalidRequest.at(f"{at}/tool_call_id", "no message before this one calls a tool with this id")
    name = called[call_id] if message.role == "tool" else ""
    if isinstance(message.content, str | None):
        parts = (Part(message.content or "", classification),)
        return PromptMessage(_SPEAKERS[message.role], parts, (), calls, call_id if name else "", name)
    content = [(f"{at}/content/{number}", part) for number, part in enumerate(message.content)]
    texts = tuple(Part(text, classification) for where, part in content for text in _texts(where, part))
    pictures = tuple(
        Picture(_picture(f"{where}/image_url", part.image_url), classification)
        for where, part in content
        if part.type == "image_url"
    )
    return PromptMessage(_SPEAKERS[message.role], texts, pictures, calls, call_id if name else "", name)


def _calls(at: str, message: ChatMessage) -> tuple[ToolCall, ...]:
    if message.tool_calls and message.role != "assistant":
        raise InvalidRequest.at(at, "only the assistant calls tools")
    for number, one in enumerate(message.tool_calls or ()):
        try:
            msgspec.json.decode(one.function.arguments, type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError):
            detail = "the arguments of a call are a JSON object, written as a text"
            raise InvalidRequest.at(f"{at}/{number}/function/arguments", detail) from None
    return tuple(ToolCall(one.id, one.function.name, one.function.arguments) for one in message.tool_calls or ())


def _texts(at: str, part: ContentPart) -> Iterator[str]:
    match part.type:
        case "text" | "input_text" | "output_text":
            if part.text is None:
                raise InvalidRequest.at(f"{at}/text", "a part of type `text` has its text here")
            yield part.text
        case "refusal":
            yield part.refusal or ""
        case "image_url":
            pass
        case _:
            raise InvalidRequest.at(f"{at}/type", "a part is `text` or `image_url`; nothing else is taken")


def _picture(at: str, given: ImageUrl | str | None) -> bytes:
    url = given.url if isinstance(given, ImageUrl) else given or ""
    head, comma, data = url.partition(",")
    if not comma or head[:5].lower() != "data:":
        raise InvalidRequest.at(at, "send the picture itself as `data:image/png;base64,…`; addresses are never fetched")
    if not head.lower().endswith(";base64"):
        raise InvalidRequest.at(at, "the picture's bytes have to be in base64: `data:image/png;base64,…`")
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest.at(at, "the picture is not base64") from None
    if not content.startswith(_PICTURES):
        raise InvalidRequest.at(at, "a picture is a PNG or a JPEG")
    return content
