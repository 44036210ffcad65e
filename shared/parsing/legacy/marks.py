"""Text without the marks of Markdown in which the reader of old formats writes emphasis and links."""

import re
from collections.abc import Callable
from typing import Any

from shared.parsing.links import with_address

_EMPHASIS = re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])([^*]{0,5000}?[^\s*])\1(?![\w*])")
_LINK = re.compile(r"\[([^\]\[\n]{1,2000})\]\(((?:https?:|mailto:|#)[^()\s]{0,2000})\)")


def rewrite(document: Any, change: Callable[[str], str]) -> None:
    """Changes the texts and the cells of a Docling document."""
    for item in document.texts:
        item.text = change(item.text)
    for table in document.tables:
        for cell in table.data.table_cells:
            cell.text = change(cell.text)


def plain(text: str) -> str:
    return _EMPHASIS.sub(r"\2", without_links(text))


def without_links(text: str) -> str:
    return _LINK.sub(lambda found: with_address(found[1], found[2]), text)
