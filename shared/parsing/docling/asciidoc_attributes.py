"""Reads the attributes in the header of an AsciiDoc document, like the front matter of Markdown."""

import re

from shared.parsing.decoding import decode

FRONT_BYTES = 64 * 1024
_ATTRIBUTE = re.compile(r":!?[\w-]+!?:(?:\s|$)")


def attributes(content: bytes) -> str:
    """The lines of attributes before its first text."""
    lines: list[str] = []
    for line in decode(content[:FRONT_BYTES]).split("\n"):
        if _ATTRIBUTE.match(line):
            lines.append(line.strip())
        elif line.strip() and not line.startswith(("= ", "//", "[")):
            break
    return "\n".join(lines)
