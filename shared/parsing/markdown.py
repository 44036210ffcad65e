"""A parsed document as Markdown."""

import re
from itertools import groupby

import msgspec

from shared.parsing.document import Block, ParsedDocument
from shared.parsing.tables import table_markdown

_INLINE = re.compile(
    r"[\\`*~]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=#?\w{1,32};)|!?\[(?=[^\]\n]{0,1000}\][(\[:])",
)
_LEADING = re.compile(r"\A(\s*)(#{1,6}(?=\s|$)|[-+](?=\s|$)|>|\||=+\s*$|-{3,}\s*$|:?-+:?\s*\|)")
_NUMBERED = re.compile(r"\A(\s*\d{1,9})([.)](?=\s|$))")
_ITEM = re.compile(r"( *(?:-|\d{1,9}[.)])? )(.*)")
_FENCES = re.compile(r"`{3,}")


def to_markdown(document: ParsedDocument) -> str:
    """Renders a document. Characters of its text that Markdown would take for marks are escaped.

    What stands beside the text is text too, between two marks that a reader of the Markdown does not see.
    """
    runs = []
    for aside, blocks in groupby(document.blocks, key=lambda block: block.aside):
        text = "\n\n".join(filter(None, map(_block, blocks)))
        runs.append(f"<!-- beside the text -->\n\n{text}\n\n<!-- end -->" if aside and text else text)
    return "\n\n".join(filter(None, runs)) + "\n"


def markdown_of(parsed: bytes) -> bytes:
    """A parsed document's JSON as Markdown in UTF-8."""
    return to_markdown(msgspec.json.decode(parsed, type=ParsedDocument)).encode()


def _block(block: Block) -> str:
    match block.kind:
        case "title" | "heading":
            return f"{'#' * max(block.level, 1)} {_escaped(' '.join(block.text.split()))}"
        case "table":
            return table_markdown(tuple(tuple(map(_inline, row)) for row in block.rows)) if block.rows else block.text
        case "code":
            fence = "`" * (max(map(len, _FENCES.findall(block.text)), default=2) + 1)
            return f"{fence}\n{block.text}\n{fence}"
        case "list":
            return "\n".join(map(_item, block.text.split("\n")))
        case "quote":
            return "\n".join(f"> {_escaped(line)}".rstrip() for line in block.text.split("\n"))
        case _:
            return "  \n".join(_escaped(line) for line in block.text.split("\n") if line.strip())


def _item(line: str) -> str:
    found = _ITEM.fullmatch(line)
    return found[1] + _escaped(found[2]) if found else _escaped(line)


def _escaped(line: str) -> str:
    line = _inline(line)
    return _NUMBERED.sub(r"\1\\\2", _LEADING.sub(r"\1\\\2", line)) if line else line


def _inline(text: str) -> str:
    return _INLINE.sub(lambda found: "\\" + found[0], text)
