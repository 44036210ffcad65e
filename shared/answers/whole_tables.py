"""Joins the rows of found passages into the tables of their documents, and says which tables are there as a whole."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from shared.answers.records import RecordRow, is_rule
from shared.types.passage import Passage

_TOTAL = re.compile(
    r"(?:grand |sub)?totals?|sum|overall|average|mean|(?:gesamt|zwischen)?summe|gesamt|insgesamt|durchschnitt"
    r"|mittelwert",
    re.IGNORECASE,
)
_INDEX = re.compile(r"\[(\d+)\]\.\Z")
_HEADED = re.compile(r"(?:[ \t]*\|[^\n]*\n)*\s*")
"""The head of a table, and nothing else."""


class JoinedTable(Struct, frozen=True, eq=False):
    """The rows of one table from one passage or several that follow each other, without rows of totals. `is_whole`:
    all its rows are here."""

    columns: tuple[str, ...]
    rows: tuple[RecordRow, ...]
    is_whole: bool


def joined_tables(rows: Sequence[RecordRow], found: Sequence[Passage], lengths: Mapping[str, int]) -> list[JoinedTable]:
    """`lengths` are the numbers of passages of the documents, where they are known."""
    by_passage: defaultdict[str, list[RecordRow]] = defaultdict(list)
    for row in rows:
        by_passage[row.table.passage.passage_id].append(row)
    documents: defaultdict[str, list[Passage]] = defaultdict(list)
    for passage in sorted(found, key=lambda one: one.position):
        documents[passage.document_id].append(passage)
    return [
        table
        for document_id, passages in documents.items()
        for part in _parts(passages, by_passage)
        if (table := _table(part, {one.position for one in passages}, lengths.get(document_id, 0)))
    ]


def _parts(passages: Sequence[Passage], by_passage: Mapping[str, list[RecordRow]]) -> Iterator[list[RecordRow]]:
    """Yields the rows of each table of a document."""
    part: list[RecordRow] = []
    for passage in passages:
        for row in by_passage.get(passage.passage_id, ()):
            if part and not _continues(part[-1], row):
                yield part
                part = []
            part.append(row)
    if part:
        yield part


def _continues(before: RecordRow, row: RecordRow) -> bool:
    if before.table.keyed and _INDEX.sub("", before.table.path) != _INDEX.sub("", row.table.path):
        return False
    same_columns = before.table.columns == row.table.columns
    if before.table.keyed != row.table.keyed or not (same_columns or row.table.keyed):
        return False
    one, other = before.table.passage, row.table.passage
    if one is other:
        return before.table is row.table or not one.text[before.end : row.start].strip()
    return other.position == one.position + 1 and _is_last(before) and _is_first(row)


def _is_first(row: RecordRow) -> bool:
    return _HEADED.fullmatch(row.table.passage.text[: row.start]) is not None


def _is_last(row: RecordRow) -> bool:
    return not row.table.passage.text[row.end :].strip()


def _table(rows: Sequence[RecordRow], positions: set[int], length: int) -> JoinedTable | None:
    first, last = rows[0], rows[-1]
    begins = first.table.passage.position
    ends = last.table.passage.position
    is_whole = not _is_first(first) or begins == 0 or begins - 1 in positions
    is_whole = is_whole and (not _is_last(last) or ends + 1 in positions or ends + 1 == length)
    passages = {row.table.passage.passage_id: row.table.passage for row in rows if not row.table.keyed}
    is_whole = is_whole and all(map(_is_read, passages.values()))
    if first.table.keyed:
        is_whole = is_whole and len({row.table.columns[0] for row in rows}) == 1 and _are_all_records(rows)
        rows = _with_all_columns(rows)
    named = tuple(row for row in rows if not _TOTAL.fullmatch(row.cells[0].strip(" :*")))
    return JoinedTable(rows[0].table.columns, named, is_whole) if named else None


def _are_all_records(rows: Sequence[RecordRow]) -> bool:
    """Whether no record of the same list is missing: their numbers begin with 0 and follow each other; without numbers
    no line like theirs stands beside them."""
    numbers = [_INDEX.search(row.table.path) for row in rows]
    if all(numbers):
        return [int(found[1]) for found in numbers if found] == list(range(len(rows)))
    before = rows[0].table.passage.text[: rows[0].start].strip().rpartition("\n")[2]
    after = rows[-1].table.passage.text[rows[-1].end :].strip().partition("\n")[0]
    return len(rows) > 1 and ":" not in before and ":" not in after


def _is_read(passage: Passage) -> bool:
    """Whether every row of its tables was read: a line of another width is none of them."""
    lines = [line.strip() for line in passage.text.split("\n") if line.strip().startswith("|")]
    rules = [at for at, line in enumerate(lines) if is_rule(line)]
    widths = [line.replace("\\|", "").count("|") for line in lines]
    bounds = [*(at - 1 for at in rules), len(lines)]
    return bool(rules) and bounds[0] == 0 and all(len(set(widths[start:end])) == 1 for start, end in pairwise(bounds))


def _with_all_columns(rows: Sequence[RecordRow]) -> list[RecordRow]:
    """Records with the columns of all of them; what a record lacks is empty."""
    columns = tuple(dict.fromkeys(column for row in rows for column in row.table.columns))
    whole = []
    for row in rows:
        cells = dict(zip(row.table.columns, row.cells, strict=True))
        table = replace(row.table, columns=columns)
        whole.append(RecordRow(table, row.start, row.end, tuple(cells.get(column, "") for column in columns)))
    return whole
