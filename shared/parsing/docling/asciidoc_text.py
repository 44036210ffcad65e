"""AsciiDoc as Docling reads it: powers, links, pictures and attributes as they are seen, comments left out."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from shared.parsing.light.markdown_html import with_scripts
from shared.parsing.links import with_address

_FENCE = re.compile(r"(-{4,}|\.{4,}|\+{4,}|`{3,}|/{4,})[^\S\n]*(?:\w.*)?")
_ATTRIBUTE = re.compile(r":([\w-]+):[ \t]+(\S.*)")
_USED = re.compile(r"(?<![\\$])\{([\w-]{1,60})\}")
_LINK = re.compile(
    r"(?:(?<![\w/:.])(?:link:|xref:)?(https?://[^\s\[\]]{1,2000}|(?<=link:)[^\s\[\]]{1,2000}))\[([^\]\n]{0,500})\]"
)
_PICTURE = re.compile(r"image:(?!:)[^\s\[\]]{1,500}\[([^\],\n]{0,500})[^\]\n]{0,500}\]")
_FOOTNOTE = re.compile(r"footnote:[\w-]{0,60}\[([^\]\n]{1,2000})\]")
_CELL_LINE = re.compile(r"\|(?!=)")
_TABLE = re.compile(r"\|={3,}\s*")


class ReadableAsciidoc(NamedTuple):
    text: str
    hidden_words: int


def readable(text: str) -> ReadableAsciidoc:
    """What stands in listings stays as it is."""
    attributes = dict(_ATTRIBUTE.findall(text))
    written: list[str] = []
    hidden = 0
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line.strip())
        if fence:
            if not fence.startswith("/"):
                written.append(line)
            elif not found:
                hidden += len(line.split())
            fence = "" if line.strip() == fence else fence
        elif found and (not found[0].startswith("`") or found[0] == found[1] or line.startswith("```")):
            fence = found[1]
            written += [] if fence.startswith("/") else [line]
        elif line.startswith("//"):
            hidden += len(line[2:].split())
        else:
            written.append(_line(line, attributes))
    return ReadableAsciidoc("\n".join(_with_whole_rows(written)), hidden)


def _line(line: str, attributes: dict[str, str]) -> str:
    line = _USED.sub(lambda found: attributes.get(found[1], found[0]).strip(), line)
    line = _PICTURE.sub(lambda found: found[1].strip('"'), line)
    line = _LINK.sub(lambda found: with_address(found[2].rstrip("^"), found[1]) if found[2] else found[1], line)
    return with_scripts(_FOOTNOTE.sub(r" (\1)", line))


def _with_whole_rows(lines: list[str]) -> Iterator[str]:
    """Joins the cells of a row that stand on lines of their own: the first row says how many there are."""
    in_table, columns = False, 0
    row: list[str] = []
    for line in lines:
        if _TABLE.fullmatch(line):
            if row:
                yield " ".join(row)
            in_table, columns, row = not in_table, 0, []
            yield line
        elif not in_table or not _CELL_LINE.match(line):
            if row and line.strip():
                row[-1] += f" {line.strip()}"
            else:
                yield line
        else:
            columns = columns or line.count("|")
            row.append(line.strip())
            if sum(cells.count("|") for cells in row) >= columns:
                yield " ".join(row)
                row = []
    if row:
        yield " ".join(row)
