"""The name of a client's file, as we show it. No path is ever made of it."""

import unicodedata

from shared.types.text import displayable

MOST_CHARACTERS = 255
NAMELESS = "document"


def safe_filename(raw: str) -> str:
    """The last component of `raw`, fit to be displayed: one line, no control character, nothing that reorders text."""
    name = raw.replace("\\", "/").rpartition("/")[2]
    shortened = _shortened(displayable(name)).strip()
    is_visible = any(each != "." and unicodedata.category(each)[0] not in "CMZ" for each in shortened)
    return shortened if is_visible else NAMELESS


def _shortened(name: str) -> str:
    """Cut in the stem, so that the extension stays."""
    stem, dot, extension = name.rpartition(".")
    if (
        len(name) <= MOST_CHARACTERS
        or not dot
        or not (extension.isascii() and extension.isalnum() and len(extension) <= 16)
    ):
        return name[:MOST_CHARACTERS]
    return stem[: MOST_CHARACTERS - len(extension) - 1] + dot + extension
