"""Plain text: paragraphs between empty lines, lists, and the few headings that plain text has."""

import re

from shared.parsing.assembly import Assembly
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits

LONGEST_HEADING = 80

_UNDERLINE = re.compile(r"(={3,}|-{3,}|~{3,})\s*$")
_BULLET = re.compile(r"\s*([-*•–]|\d{1,3}[.)])\s+\S")
_PARAGRAPHS = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    for paragraph in _PARAGRAPHS.split(decode(content)):
        lines = [line.rstrip() for line in paragraph.split("\n") if line.strip()]
        if lines:
            _add(assembly, lines)
    return assembly.finish()


def _add(assembly: Assembly, lines: list[str]) -> None:
    if len(lines) > 1 and len(lines[0]) <= LONGEST_HEADING and (line := _UNDERLINE.match(lines[1])):
        assembly.heading(1 if line[1][0] == "=" else 2, lines[0])
        lines = lines[2:]
    elif len(lines) == 1 and _is_shouted(lines[0].strip()):
        assembly.heading(2, lines[0])
        return
    if all(map(_BULLET.match, lines)) and len(lines) > 1:
        _list(assembly, lines)
    else:
        assembly.paragraph("\n".join(lines))


def _list(assembly: Assembly, lines: list[str]) -> None:
    """Reads a list: numbers stay as they are written, every other mark becomes a dash."""
    assembly.open_list(ordered=False)
    for line in lines:
        mark, text = line.split(None, 1)
        assembly.open_item(mark if mark[0].isdigit() else "-")
        assembly.paragraph(text)
        assembly.close()
    assembly.close()


def _is_shouted(line: str) -> bool:
    """Whether a line is a heading in capitals: it has a word and no end of a sentence."""
    return (
        line.isupper()
        and 4 <= len(line) <= LONGEST_HEADING
        and line[-1] not in ".,;:!?"
        and re.search(r"[^\W\d_]{3}", line) is not None
    )
