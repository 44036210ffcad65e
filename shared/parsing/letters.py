"""Reduces a text to its letters, by which two readings of it are compared."""

import re
import unicodedata

_WORD = re.compile(r"[\w☐☒]+")


def letters_of(text: str) -> str:
    """Returns only letters, digits and check boxes, in one case, ligatures resolved."""
    return "".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
