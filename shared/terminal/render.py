"""What reaches the terminal: results on stdout, notes on stderr, and no control character of anybody else's."""

import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import rich_click as click

# C0 and C1 controls, DEL, line and paragraph separators, marks that reorder what is read, lone surrogates.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNSAFE_IN_TEXT = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def line(text: object) -> str:
    """On one line, with control characters written out, so that no title or message can steer a terminal."""
    return _UNSAFE.sub(_written_out, str(text))


def lines(text: str) -> str:
    """As `line`, but line ends and tabs stay."""
    return _UNSAFE_IN_TEXT.sub(_written_out, text.replace("\r\n", "\n"))


def _written_out(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def say(text: str = "", *, whole_line: bool = True) -> None:
    """A result."""
    click.echo(text, nl=whole_line)


def note(text: str) -> None:
    """Progress or a remark."""
    click.echo(text, err=True)


def say_json(value: Any) -> None:
    """One object on one line. Amounts keep their digits; what JSON lets through and a terminal obeys is escaped."""
    text = _ENCODER.encode(value).decode("utf-8")
    say(_UNSAFE.sub(lambda found: f"\\u{ord(found.group()):04x}", text))


def say_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Drawn on a terminal; elsewhere aligned columns, never cut, that `cut` and `grep` can read."""
    cells = [[_cell(value) for value in row] for row in rows]
    if sys.stdout.isatty():
        _draw(columns, cells)
        return
    widths = [max(len(row[at]) for row in [list(columns), *cells]) for at in range(len(columns))]
    for row in [list(columns), *cells]:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


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


def say_fields(fields: Sequence[tuple[str, object]]) -> None:
    """Names and values, one a line."""
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        say(f"{name.ljust(width)}  {_cell(value)}")


def _cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return _digits(value)
    if isinstance(value, list | tuple):
        return _cell(" ".join(str(item) for item in value))
    return line(value)


def dollars(amount: Decimal) -> str:
    return f"${_digits(amount)}"


def _digits(number: Decimal) -> str:
    """All that count, never as a power of ten."""
    return f"{number.normalize():f}"


def indented(text: str, by: str = "    ") -> str:
    """A passage or quote under its heading."""
    return "\n".join(by + part if part else "" for part in lines(text.strip()).split("\n"))
