"""Reads the rows of tables and the records of key-value lines out of passages: units with named cells."""

import re
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from shared.answers.sentences import is_row
from shared.answers.stems import folded
from shared.types.passage import Passage

_LINE = re.compile(r"[^\n]+")
_CELL = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r":?-{2,}:?")
_PAIR = re.compile(
    r"(?:[-*+] )?(?P<path>(?:\[\d+\]\.?|[\w-]+(?:\[\d+\])?\.)*)"
    r"\**(?P<key>[^\W_][\w /().-]{0,40}?)\**:\**[ \t]+(?P<value>\S.*)"
)
_INDEXED = re.compile(r"(?P<path>[^:\n]{0,200}\[\d+\]\.)(?P<key>[^:\n\[\]]{1,80}):(?P<value>.*)")
"""A member of an object in a list, "ships[0].owner.city: Bergen": all members of one object are one record."""

_FIELDS = frozenset(
    ["field", "key", "property", "attribute", "item", "feld", "merkmal", "eigenschaft", "schlüssel", "angabe"]
)
_VALUES = frozenset(["value", "entry", "content", "answer", "wert", "eintrag", "inhalt", "angabe", "antwort"])
"""Heads of a table whose rows are the fields of one record."""

_HEADING = re.compile(r"#{1,6} (?P<text>.+)")
_CAPTION = 600
"""Characters above a table that may say what it is about."""

_LABELLED = ("Label", "Value")


class RecordTable(Struct, frozen=True, eq=False):
    """Where a row stands: its passage, the names of its columns and the heading above it."""

    passage: Passage
    rank: int
    columns: tuple[str, ...]
    heading: str
    keyed: bool = False
    """Whether every line of a record names its cell."""

    caption: str = ""
    """The paragraph before the table."""

    path: str = ""
    """Where the record stands in a list of objects, "ships[0].": empty for others."""


class RecordRow(Struct, frozen=True, eq=False):
    """A row or record. `text[start:end]` of its passage is the whole of it; cells are parallel to the columns."""

    table: RecordTable
    start: int
    end: int
    cells: tuple[str, ...]

    @property
    def quote(self) -> str:
        return self.table.passage.text[self.start : self.end]


def has_rows(passage: Passage) -> bool:
    """Whether the passage may hold a row or record; most passages are seen to hold none at once."""
    return "\n|" in passage.text or passage.text.startswith("|") or passage.text.count(":") > 2


def rows_of(passage: Passage, rank: int) -> Iterator[RecordRow]:
    """Yields the rows of the passage's tables and its records; a table of fields and values is one record."""
    fields: list[RecordRow] = []
    for row in _units(passage, rank):
        if fields and row.table is not fields[0].table:
            yield _form(fields)
            fields = []
        if _is_field(row.table):
            fields.append(row)
        else:
            yield row
    if fields:
        yield _form(fields)


def _is_field(table: RecordTable) -> bool:
    names = [column.lower() for column in table.columns]
    return len(names) == 2 and names[0] in {*_FIELDS, ""} and names[1] in {*_VALUES, ""}


def _form(rows: list[RecordRow]) -> RecordRow:
    columns, cells = zip(*(row.cells for row in rows), strict=True)
    table = replace(rows[0].table, columns=columns, keyed=True)
    return RecordRow(table, rows[0].start, rows[-1].end, cells)


def _units(passage: Passage, rank: int) -> Iterator[RecordRow]:
    """Yields the rows of the passage's tables and its records, in order."""
    heading = ""
    table: RecordTable | None = None
    pairs: list[tuple[re.Match[str], re.Match[str]]] = []
    later_keys: set[str] = set()  # a record goes on behind the blank line that an empty member leaves
    before, before_at, above, end = "", 0, "", 0
    for line in _LINE.finditer(passage.text):
        text = line.group().strip()
        blank = "\n\n" in passage.text[end : line.start()]
        end = line.end()
        pair = None if text.startswith(("|", "#")) else _INDEXED.match(text) or _PAIR.match(line.group())
        later = pair is not None and pair["key"] in later_keys
        if pairs and (pair is None or _is_new(pairs, pair, blank and not later)):
            later_keys.update(known["key"] for _, known in pairs[1:])
            yield from _record(passage, rank, heading, pairs)
            pairs = []
        if found := _HEADING.match(text):
            heading, table, above = found["text"], None, ""
        elif not is_row(text) or blank:
            table = None
        if not is_row(text):
            above = f"{above} {text}"[-_CAPTION:]
        if pair:
            pairs.append((line, pair))
        elif is_row(text):
            cells = cells_of(text)
            if all(_RULE.fullmatch(cell) for cell in cells):
                head = cells_of(before) if is_row(before) else ()
                table = RecordTable(passage, rank, head, heading, caption=above) if head else None
                above = ""
                if table and ":" in head[1:]:
                    yield _labelled(replace(table, columns=_LABELLED), before_at, before)
            elif table and len(cells) == len(table.columns):
                start = line.start() + line.group().index(text)
                if ":" in table.columns[1:] and cells[table.columns.index(":")] in ("", ":"):
                    yield _labelled(replace(table, columns=_LABELLED), start, text)
                else:
                    yield RecordRow(table, start, start + len(text), cells)
        before, before_at = text, line.start() + len(line.group()) - len(line.group().lstrip())
    if pairs:
        yield from _record(passage, rank, heading, pairs)


def _labelled(table: RecordTable, start: int, line: str) -> RecordRow:
    """A line such as "| Frequency | Hz | : | 50 |", of which the first one may stand where others have their head."""
    label, *rest = cells_of(line)
    at = rest.index(":") if ":" in rest else 0
    units, values = (" ".join(cell for cell in part if cell) for part in (rest[:at], rest[at + 1 :]))
    value = f"{values} {units}" if units and values[-1:].isdigit() and units not in values else values
    return RecordRow(table, start, start + len(line), (label, value))


def cells_of(line: str) -> tuple[str, ...]:
    """The cells of a row, folded and without the marks of Markdown."""
    inner = line.strip().removeprefix("|")
    inner = inner.removesuffix("|") if not inner.endswith("\\|") else inner
    return tuple(folded(cell).replace("\\|", "|").strip(" \t*`") for cell in _CELL.split(inner))


def is_rule(line: str) -> bool:
    """Whether the line is the rule below a table's head."""
    return is_row(line) and all(_RULE.fullmatch(cell) for cell in cells_of(line))


def _is_new(pairs: list[tuple[re.Match[str], re.Match[str]]], pair: re.Match[str], blank: bool) -> bool:
    """Whether the pair begins another record: of another path, behind a blank line, or with a key that this one has."""
    if pair["path"].endswith("].") or pairs[0][1]["path"].endswith("]."):
        return pair["path"] != pairs[0][1]["path"]
    return blank or (pair["path"], pair["key"]) in {(known["path"], known["key"]) for _, known in pairs}


def _record(
    passage: Passage, rank: int, heading: str, pairs: list[tuple[re.Match[str], re.Match[str]]]
) -> Iterator[RecordRow]:
    """Two lines at least: one alone is a sentence."""
    if len(pairs) < 2:
        return
    columns = tuple(re.sub("[_.](?=\\w)", " ", folded(pair["key"])).strip() for _, pair in pairs)
    cells = tuple(folded(pair["value"]).strip() for _, pair in pairs)
    table = RecordTable(passage, rank, columns, heading, keyed=True, path=pairs[0][1]["path"])
    yield RecordRow(table, pairs[0][0].start(), pairs[-1][0].start() + len(pairs[-1][0].group().rstrip()), cells)
