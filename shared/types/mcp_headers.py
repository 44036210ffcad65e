"""What a request of the Model Context Protocol repeats in headers, for those on the way who do not read bodies."""

import base64
import binascii

VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
NAMED_BY = {"tools/call": "name", "resources/read": "uri", "prompts/get": "name"}
"""The parameter that the header `Mcp-Name` repeats, by method."""
_START, _END = "=?base64?", "?="


def encoded(value: str) -> str:
    """The value for a header: in Base64 where it would not come through as it is."""
    if value.isascii() and value.isprintable() and value == value.strip() and not value.startswith(_START):
        return value
    return f"{_START}{base64.b64encode(value.encode()).decode()}{_END}"


def decoded(value: str) -> str | None:
    """The value that a header stands for; None where it cannot be read."""
    if not (value.startswith(_START) and value.endswith(_END)):
        return value
    try:
        return base64.b64decode(value[len(_START) : -len(_END)], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
