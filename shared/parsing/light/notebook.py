"""Parses Jupyter notebooks: prose as Markdown, code as code, and the output of the code."""

import json
import re
from collections.abc import Iterator
from typing import Any

from shared.parsing.assembly import Assembly, too_deep
from shared.parsing.decoding import decode
from shared.parsing.document import ParsedDocument
from shared.parsing.light import html
from shared.parsing.light.markdown import read_into
from shared.parsing.limits import ParsingLimits
from shared.types.errors import Rejected

_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
"""Escapes by which a terminal colours text."""

LONGEST_OUTPUT = 20_000
"""Characters of one output that are kept: what a loop printed is not what anybody wrote."""


def parse(content: bytes, limits: ParsingLimits) -> ParsedDocument:
    assembly = Assembly(limits)
    for cell in _cells(_notebook(decode(content), limits)):
        if isinstance(cell, dict):
            _write(assembly, limits, cell)
    return assembly.finish()


def _notebook(text: str, limits: ParsingLimits) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise too_deep(limits) from None
    except json.JSONDecodeError as error:
        raise Rejected("corrupt", f"it is not valid JSON: {error.msg} in line {error.lineno}") from error


def _cells(notebook: Any) -> Iterator[Any]:
    """Returns the cells: of the notebook since version 4, of its worksheets before."""
    if not isinstance(notebook, dict):
        raise Rejected("corrupt", "it is no notebook")
    yield from _list(notebook, "cells")
    for sheet in _list(notebook, "worksheets"):
        if isinstance(sheet, dict):
            yield from _list(sheet, "cells")


def _write(assembly: Assembly, limits: ParsingLimits, cell: dict[str, Any]) -> None:
    source = _text(cell.get("source", cell.get("input")))
    match cell.get("cell_type"):
        case "code":
            assembly.code(source)
            for output in _list(cell, "outputs"):
                if isinstance(output, dict):
                    _write_output(assembly, limits, output)
        case "heading":
            level = cell.get("level")
            assembly.heading(level if isinstance(level, int) else 1, source)
        case "raw":
            assembly.paragraph(source)
        case _:
            read_into(assembly, source, limits)


def _write_output(assembly: Assembly, limits: ParsingLimits, output: dict[str, Any]) -> None:
    """Writes what code printed or displayed: as text, or as Markdown or a page where there is no other form."""
    data = output.get("data")
    forms = data if isinstance(data, dict) and "text/plain" not in data and "text" not in output else {}
    if markdown := _text(forms.get("text/markdown")):
        read_into(assembly, markdown[:LONGEST_OUTPUT], limits)
    elif page := _text(forms.get("text/html")):
        html.read_into(assembly, page, limits)
    else:
        assembly.code(_COLOURS.sub("", _output_text(output))[:LONGEST_OUTPUT])


def _output_text(output: dict[str, Any]) -> str:
    """Returns what was printed, the plain form of what was displayed, or an error's name."""
    data = output.get("data")
    plain = data.get("text/plain") if isinstance(data, dict) else None
    if output.get("output_type") in {"error", "pyerr"}:
        return f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
    return _text(output.get("text", plain))


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    found = holder.get(name)
    return found if isinstance(found, list) else []


def _text(value: Any) -> str:
    """Returns a text, which a notebook stores whole or as a list of lines."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""
