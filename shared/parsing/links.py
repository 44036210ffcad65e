"""Addresses of links, as they stand in a text that is read, found and quoted."""

import re

LONGEST_ADDRESS = 200
"""Longer ones count clicks: nobody reads them, and they would fill the passages."""

_ABSOLUTE = re.compile(r"(?:https?|ftp)://[^\s<>]+|mailto:[^\s<>@?]+@[^\s<>?]+", re.IGNORECASE)
_SCHEME = re.compile(r"(?:(?:https?|ftp)://(?:www\.)?|mailto:)", re.IGNORECASE)


def with_address(words: str, address: str | None) -> str:
    """`words (address)`, with the white space after the words moved behind it.

    Only the words where the address leads nowhere from outside the document's own site, or where they say it.
    """
    found = _ABSOLUTE.match(address.strip()) if address else None
    text = words.rstrip()
    if found is None or len(found[0]) > LONGEST_ADDRESS or not text.strip():
        return words
    if _SCHEME.sub("", found[0]).rstrip("/").casefold() in words.casefold():
        return words
    displayed = found[0] if "://" in found[0] else found[0].partition(":")[2]
    return f"{text} ({displayed}){words[len(text) :]}"
