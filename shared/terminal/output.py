"""Writes results to stdout and notes to stderr, with foreign control characters escaped."""

import re
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import rich_click as click

# C0 and C1 controls, DEL, line and paragraph separators, marks that reorder what is read, lone surrogates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNSAFE_IN_TEXT = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
# Characters of no width, which hide text in text: dropped where they are printed.
_INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200d\u2060-\u2065\U000e0000-\U000e007f\U000e0100-\U000e01ef]")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def safe_line(text: object) -> str:
    """The text on one line, with control characters escaped, so that no title or message can control a terminal, and
    without characters of no width."""
    return _UNSAFE.sub(_escape, _INVISIBLE.sub("", str(text)))


def safe_text(text: str) -> str:
    """Escapes text like `safe_line`, but leaves line ends and tabs."""
    return _UNSAFE_IN_TEXT.sub(_escape, _INVISIBLE.sub("", text.replace("\r\n", "\n")))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def write(text: str = "", *, newline: bool = True) -> None:
    """Writes a result."""
    click.echo(text, nl=newline)


def note(text: str) -> None:
    """Writes progress or a remark."""
    click.echo(text, err=True)


def write_json(value: Any) -> None:
    """Writes one object on one line, amounts with all digits; control characters that JSON allows are escaped."""
    text = _ENCODER.encode(value).decode("utf-8")
    write(_UNSAFE.sub(lambda match: f"\\u{ord(match.group()):04x}", text))


def write_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Draws a table on a terminal; elsewhere writes aligned columns, never cut, that `cut` and `grep` can read."""
    cells = [[_cell(value) for value in row] for row in rows]
    if sys.stdout.isatty():
        _draw(columns, cells)
        return
    widths = [max(len(row[at]) for row in [list(columns), *cells]) for at in range(len(columns))]
    for row in [list(columns), *cells]:
        write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def write_items(items: Sequence[object], columns: Mapping[str, str], *, empty: str = "") -> None:
    """Writes a table of attributes; `columns` are attributes by heading. Without items the note `empty`, if any."""
    if not items and empty:
        note(empty)
        return
    write_table(tuple(columns), [[getattr(item, name) for name in columns.values()] for item in items])


def _draw(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console(markup=False, highlight=False, emoji=False).print(table)


def write_fields(fields: Sequence[tuple[str, object]]) -> None:
    """Writes names and values, one a line."""
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        write(f"{name.ljust(width)}  {_cell(value)}")


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return _digits(value)
    if isinstance(value, list | tuple):
        return _cell(" ".join(str(item) for item in value))
    return safe_line(value)


def format_usd(amount: Decimal) -> str:
    return f"${_digits(amount)}"


def _digits(number: Decimal) -> str:
    """All significant digits, never as a power of ten."""
    return f"{number.normalize():f}"


def indent_text(text: str, by: str = "    ") -> str:
    """Indents a passage or quote under its heading."""
    return "\n".join(by + part if part else "" for part in safe_text(text.strip()).split("\n"))
