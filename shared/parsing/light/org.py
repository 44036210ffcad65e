"""Org mode: its outline, lists, tables and blocks."""

import re
from collections.abc import Callable
from itertools import groupby

from shared.parsing.assembly import Assembly
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.limits import ParsingLimits
from shared.parsing.links import with_address

_HEADING = re.compile(
    r"(\*+)\s+(?:(?:TODO|DONE|NEXT|WAITING|CANCELLED)\s+)?(?:\[#[A-Z]\]\s+)?(.*?)(?:\s+:[\w@#%:]+:)?\s*$"
)
_KEYWORD = re.compile(r"\s*#\+(\w+)(?:\[[^\]]*\])?:\s*(.*)$")
_BEGIN = re.compile(r"\s*#\+begin_(\w+)\b", re.IGNORECASE)
_ITEM = re.compile(r"(\s*)(?:([-+])|(\d+[.)]))\s+(?:\[[ xX-]\]\s+)?(.*)$")
_DRAWER = re.compile(r"\s*:[A-Z_-]+:\s*$")
_DRAWER_END = re.compile(r"\s*:END:\s*$", re.IGNORECASE)
_RULE = re.compile(r"\s*(?:\|[-+]+\|?|-{5,})\s*$")
_PLANNING = re.compile(r"\s*(?:SCHEDULED|DEADLINE|CLOSED):\s*[<\[]")
_LINK = re.compile(r"\[\[([^\]\[]{1,2000})\]\[([^\]\[]{1,2000})\]\]|\[\[([^\]\[]{1,2000})\]\]")
_MARKS = re.compile(r"(?<![\w*/=~+_])([*/=~+_])(?=\S)([^\n]{0,500}?\S)\1(?![\w*/=~+_])")


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    _Reader(assembly).read(decode(content).split("\n"))
    return assembly.finish()


class _Reader:
    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._paragraph: list[str] = []

    def read(self, lines: list[str]) -> None:
        place = 0
        while place < len(lines):
            place = self._from(lines, place)
        self._end()

    def _from(self, lines: list[str], place: int) -> int:
        """Reads the element that begins in this line and returns the line after it."""
        line = lines[place]
        if begin := _BEGIN.match(line):
            return self._block(begin[1].lower(), lines, place + 1)
        if line.lstrip().startswith("|"):
            return self._run(lines, place, lambda each: each.lstrip().startswith("|"), self._table)
        if _ITEM.match(line) and not _RULE.match(line):
            return self._run(
                lines, place, lambda each: bool(_ITEM.match(each) or (each[:1] == " " and each.strip())), self._list
            )
        if _DRAWER.match(line):
            return self._drawer(lines, place)
        self._line(line)
        return place + 1

    def _line(self, line: str) -> None:
        if heading := _HEADING.match(line):
            self._end()
            self._assembly.heading(len(heading[1]), _plain(heading[2]))
        elif keyword := _KEYWORD.match(line):
            self._keyword(keyword[1].lower(), keyword[2].strip())
        elif not line.strip() or _RULE.match(line) or _PLANNING.match(line) or line.lstrip().startswith("# "):
            self._end()
        else:
            self._paragraph.append(_plain(line.strip()))

    def _keyword(self, name: str, value: str) -> None:
        if name == "title":
            self._assembly.title = self._assembly.title or value
            self._assembly.heading(1, value)
        elif name in {"caption", "author", "date", "subtitle", "description"}:
            self._end()
            self._assembly.paragraph(_plain(value))

    def _block(self, name: str, lines: list[str], start: int) -> int:
        self._end()
        ending = re.compile(rf"\s*#\+end_{re.escape(name)}\b", re.IGNORECASE)
        end = next((place for place in range(start, len(lines)) if ending.match(lines[place])), len(lines))
        held = lines[start:end]
        if name in {"src", "example", "export"}:
            self._assembly.code("\n".join(held))
        elif name == "quote":
            self._assembly.open_quote()
            self._assembly.paragraph(_plain(" ".join(map(str.strip, held))))
            self._assembly.close()
        elif name != "comment":
            self._assembly.paragraph(_plain("\n".join(held)))
        return end + 1

    def _run(
        self, lines: list[str], start: int, belongs: Callable[[str], bool], write: Callable[[list[str]], None]
    ) -> int:
        self._end()
        end = next((place for place in range(start, len(lines)) if not belongs(lines[place])), len(lines))
        write(lines[start:end])
        return end

    def _table(self, lines: list[str]) -> None:
        rows = [
            [_plain(cell.strip()) for cell in line.strip().strip("|").split("|")]
            for line in lines
            if not _RULE.match(line)
        ]
        self._assembly.table(rows)

    def _list(self, lines: list[str]) -> None:
        """Reads a list, nested by indentation; a line without a mark continues the item before it."""
        indents: list[int] = []
        for marked, group in groupby(lines, key=lambda line: _ITEM.match(line) is not None):
            for line in group:
                found = _ITEM.match(line)
                if not marked or found is None:
                    self._assembly.paragraph(_plain(line.strip()))
                    continue
                self._indent(indents, len(found[1]))
                self._assembly.open_item(found[3] or "-")
                self._assembly.paragraph(_plain(found[4]))
        for _ in indents:
            self._assembly.close()
            self._assembly.close()

    def _indent(self, indents: list[int], indent: int) -> None:
        """Closes the item before, and the lists that are deeper; opens one where this is deeper."""
        while indents and indents[-1] > indent:
            indents.pop()
            self._assembly.close()
            self._assembly.close()
        if indents and indents[-1] == indent:
            self._assembly.close()
        else:
            indents.append(indent)
            self._assembly.open_list(ordered=False)

    def _drawer(self, lines: list[str], start: int) -> int:
        """Skips properties and logs; without an end it is a line like any other."""
        end = next(
            (place for place in range(start, min(len(lines), start + 100)) if _DRAWER_END.match(lines[place])), start
        )
        return end + 1

    def _end(self) -> None:
        lines, self._paragraph = self._paragraph, []
        self._assembly.paragraph(" ".join(lines))


def _plain(text: str) -> str:
    text = _LINK.sub(lambda found: with_address(found[2], found[1]) if found[2] else found[3], text)
    return _MARKS.sub(r"\2", text)
