"""Valid names of blobs, the same for every backend."""

import re

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


def is_name(text: str) -> bool:
    """Whether a blob can have this name; to be checked for names that come from outside."""
    return _NAME.fullmatch(text) is not None


def checked_name(name: str) -> str:
    """Raises `ValueError`."""
    if not is_name(name):
        raise ValueError(f"not the name of a blob: {name!r}")
    return name


def checked_prefix(prefix: str) -> str:
    """Raises `ValueError`."""
    if not prefix.endswith("/"):
        raise ValueError(f"not a prefix: {prefix!r}")
    checked_name(prefix[:-1])
    return prefix
