"""Reads the attributes in the header of an AsciiDoc document, like the front matter of Markdown."""

import re

from shared.parsing.decoding import decode

FRONT_BYTES = 64 * 1024
_LINES_OF_AUTHORS = 2
"""Below the title: who wrote it, and which revision it is."""

_ATTRIBUTE = re.compile(r":!?[\w-]+!?:(?:\s|$)")


def attributes(content: bytes) -> str:
    """The lines of attributes before its first text."""
    lines: list[str] = []
    authors: int | None = None
    for line in decode(content[:FRONT_BYTES]).split("\n"):
        if _ATTRIBUTE.match(line):
            lines.append(line.strip())
        elif line.startswith("= "):
            authors = _LINES_OF_AUTHORS
        elif not line.strip():
            if authors is not None:
                break  # the header ends at the first blank line below its title
        elif authors:
            authors -= 1
        elif not line.startswith(("//", "[")):
            break
    return "\n".join(lines)
