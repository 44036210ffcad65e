"""Text that every encoder takes, and text that is fit to be displayed."""

import unicodedata

from shared.types.errors import InvalidRequest


def replace_surrogates(text: str) -> str:
    """Lone surrogates, which neither UTF-8 nor a tokenizer takes, become question marks: every offset stays."""
    return text.encode("utf-8", "replace").decode()


_JOINERS = "\u200c\u200d"
"""Zero-width characters that Persian, Indic scripts and emoji cannot be written without."""

_NOT_DISPLAYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def displayable(text: str) -> str:
    """The text without control characters and without what reorders or hides text, in composed form."""
    allowed = (each for each in text if each in _JOINERS or unicodedata.category(each) not in _NOT_DISPLAYED)
    return unicodedata.normalize("NFC", "".join(allowed)).strip()


def safe_title(text: str) -> str:
    """A title as it is shown: one line, fit to be displayed; empty where nothing of it can be seen."""
    title = displayable(" ".join(text.split()))
    return title if any(unicodedata.category(each)[0] not in "CMZ" for each in title) else ""


def safe_name(name: str) -> str:
    """The name of a key or a tenant, like a title. Raises `InvalidRequest` where nothing of it can be seen."""
    if not (safe := safe_title(name)):
        raise InvalidRequest.at("/name", "must not be blank")
    return safe


def normalized(name: str) -> str:
    """The form in which names are compared: letters that look the same, and cases, are one name."""
    return unicodedata.normalize("NFKC", name).casefold().strip()
