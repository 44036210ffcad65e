"""Reads the messages of a conversation in OpenAI's format: roles, texts, pictures."""

import base64
import binascii
from collections.abc import Iterator

from functions.chat.messages import ChatMessage, ContentPart, ImageUrl
from shared.proxy.task import Part, Picture, PromptMessage
from shared.types.document import Classification
from shared.types.errors import InvalidRequest
from shared.types.model import MessageRole

_SPEAKERS: dict[str, MessageRole] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
}
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def read(messages: tuple[ChatMessage, ...], classification: Classification) -> tuple[PromptMessage, ...]:
    """Converts the messages for a model, all of them of that class. Raises `InvalidRequest`."""
    return tuple(_message(f"/messages/{number}", one, classification) for number, one in enumerate(messages))


def _message(at: str, message: ChatMessage, classification: Classification) -> PromptMessage:
    if message.role not in _SPEAKERS:
        raise InvalidRequest.at(f"{at}/role", "tools are not called here; send what they said as a user's message")
    if message.content is None and message.role != "assistant":
        raise InvalidRequest.at(f"{at}/content", "the message has no content")
    if isinstance(message.content, str | None):
        return PromptMessage(_SPEAKERS[message.role], (Part(message.content or "", classification),))
    parts = [(f"{at}/content/{number}", part) for number, part in enumerate(message.content)]
    texts = tuple(Part(text, classification) for where, part in parts for text in _texts(where, part))
    pictures = tuple(
        Picture(_picture(f"{where}/image_url", part.image_url), classification)
        for where, part in parts
        if part.type == "image_url"
    )
    return PromptMessage(_SPEAKERS[message.role], texts, pictures)


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
