"""How the fake counts: the recorded model's pieces, near enough that plain English prompts come out the same."""

import re
from collections.abc import Sequence

END = 1
"""The end mark is counted among what was made."""

_PIECE = re.compile(r"<\|im_(?:start|end)\|>|'(?:m|re|s|t|ll|d|ve)\b| ?[^\W\d_]+|\d|\s|[^\w\s]|_")
_AROUND_MESSAGE = 4
"""Its start mark, the break after its role, its end mark and the break after that."""
_OPENING_OF_ANSWER = 4


def pieces(text: str) -> list[str]:
    """They join to the text."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    return len(pieces(text))


def count_message(role: str, content: str) -> int:
    return _AROUND_MESSAGE + (2 if role == "assistant" else 1) + count(content)


def count_chat(messages: Sequence[tuple[str, str]]) -> int:
    """Of (role, content)."""
    return sum(count_message(role, content) for role, content in messages) + _OPENING_OF_ANSWER


def truncated(messages: Sequence[tuple[str, str]], most: int) -> list[tuple[str, str]]:
    """What a server leaves of a chat that is longer than its window: system messages, and the newest that fit; the
    last one always."""
    for first in range(len(messages)):
        rest = [message for place, message in enumerate(messages) if place >= first or message[0] == "system"]
        if count_chat(rest) <= most:
            return rest
    return [*(message for message in messages[:-1] if message[0] == "system"), messages[-1]]
